"""What the tests of the way out share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from trio.testing import MockClock

from headgate.upstream import Egress, Http1Transport


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    made = Http1Transport(Egress())
    yield made
    await made.aclose()


@pytest.fixture
def jumping(autojump_clock: MockClock) -> MockClock:
    """A clock that jumps when nothing has moved for a while: the kernel's loopback is given its moment first."""
    autojump_clock.autojump_threshold = 0.02
    return autojump_clock
