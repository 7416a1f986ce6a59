"""One node, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matrix.house import House, everything, house
from matrix.upstreams import KEY, SECRET
from pairs import Pair


@pytest.fixture(scope="session")
def node() -> Iterator[House]:
    """A route for each pair."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET, KEY)
        with house(everything) as one:
            yield one


@pytest.fixture
def pair(node: House, request: pytest.FixtureRequest) -> Pair:
    """The client and the provider that a test is about."""
    client, upstream, feature = request.param
    return Pair(node, client, upstream, feature)
