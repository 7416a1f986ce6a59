"""Our reading beside h11's: whatever we accept, h11 reads in the same way, or refuses. No other server is needed for this."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from peers import by_h11
from peers.plausible import PLAUSIBLE
from peers.reading import difference, read
from peers.servers import lane
from peers.tricks import MADE, TABLE, stream

AT_ONCE = 24


@pytest.fixture(scope="module")
def ours() -> Iterator[int]:
    with lane() as port:
        yield port


def differ(port: int, case: bytes) -> str | None:
    mine, theirs = read(port, stream(case)), by_h11.read(stream(case))
    how = difference(mine, theirs)
    return how and f"{case!r}\n  h11 {how}\n  we: {mine}\n  h11: {theirs}"


def compare(port: int, cases: list[bytes] | tuple[bytes, ...]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [how for how in pool.map(lambda case: differ(port, case), cases) if how]
    assert not found, f"{len(found)} of {len(cases)}:\n" + "\n".join(found)


def test_h11_reads_what_is_plain_alike(ours: int) -> None:
    data = stream(b"POST /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 5\r\n\r\nhello")
    assert read(ours, data) == by_h11.read(data)
    assert len(by_h11.read(data).entries) == 3


def test_no_known_trick_is_read_by_h11_in_another_way(ours: int) -> None:
    compare(ours, TABLE)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(cases=st.lists(MADE | PLAUSIBLE, min_size=1, max_size=24))
def test_no_new_trick_is_read_by_h11_in_another_way(ours: int, cases: list[bytes]) -> None:
    compare(ours, cases)
