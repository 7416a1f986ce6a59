"""Clients that hang up are noticed; a client that cannot be watched is let be."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from headgate.pipeline.watch import PATIENCE_S, Watch


class Client:
    """A client's side that goes, stays, or cannot be watched."""

    def __init__(self, gone: BaseException | None = None) -> None:
        self.gone = gone
        self.cancelled = False

    async def wait_gone(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.gone is not None:
            raise self.gone

    def cancel(self) -> None:
        self.cancelled = True


async def test_a_client_that_cannot_be_watched_leaves_the_others_watched(
    autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch()
    odd, gone = Client(trio.BusyResourceError("two readers")), Client()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run)
        begun = [watch.begin(client) for client in (odd, gone)]  # type: ignore[arg-type]
        await trio.sleep(3 * PATIENCE_S)
        assert [(one.gone, client.cancelled) for one, client in zip(begun, (odd, gone), strict=True)] == [
            (False, False),
            (True, True),
        ]
        nursery.cancel_scope.cancel()
    assert "cannot be watched" in caplog.text
