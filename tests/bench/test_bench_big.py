"""Bodies that are larger than any memory go through a node in constant memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.bench.big import POLICY, Node, node, passed, size_of
from tests.bench.transfers import DOORS, upstream

MOST_MB = 16


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with upstream() as port, node(tmp_path_factory.mktemp("big"), POLICY.format(port=port)) as made:
        yield made


@pytest.mark.parametrize("way", ["down", "up"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("size", ["64M", pytest.param("2G", marks=pytest.mark.slow)])
def test_a_large_body_is_never_in_memory(on: Node, door: str, way: str, size: str) -> None:
    found = passed(on, door, way, size_of(size))
    assert found.grew_mb < MOST_MB, found


def test_a_size_is_read_as_it_is_written() -> None:
    assert (size_of("64M"), size_of("2G")) == (64 << 20, 2 << 30)
