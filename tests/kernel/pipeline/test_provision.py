"""What a Snapshot owns is closed, whatever becomes of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.pipeline.provision import Provision


class Owned:
    """A resource that says when it was closed, and may fail at it."""

    def __init__(self, closed: list[str], name: str, *, fails: bool = False) -> None:
        self.closed, self.name, self.fails = closed, name, fails

    def __repr__(self) -> str:
        return f"<Owned {self.name}>"

    async def aclose(self) -> None:
        self.closed.append(self.name)
        if self.fails:
            raise RuntimeError("it is stuck")


async def test_a_resource_that_does_not_close_keeps_no_other_from_it(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[str] = []
    node: Any = None
    made = Provision(node)
    made.built = [Owned(closed, "first"), object(), Owned(closed, "second", fails=True)]
    await made.close()
    assert closed == ["second", "first"]
    assert "<Owned second> could not be closed: it is stuck" in caplog.text
