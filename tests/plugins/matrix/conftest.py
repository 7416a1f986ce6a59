"""One node, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matrix.house import House, everything, house
from matrix.upstreams import KEY, SECRET


@pytest.fixture(scope="session")
def node() -> Iterator[House]:
    """A route for each pair."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET, KEY)
        with house(everything) as one:
            yield one
