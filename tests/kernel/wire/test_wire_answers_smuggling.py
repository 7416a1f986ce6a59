"""Answers of upstreams, read by us, by nginx as a proxy and by Node's client: what we pass on, they read in the same way, or
refuse (`peers.odd_answers`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from peers.odd_answers import MADE, TABLE, OddServer, ask, described, difference, odd_server
from peers.servers import HOW, MISSING, gate, nginx, node

AT_ONCE = 16
# A tab is white space around a value (RFC 9110 §5.6.3), but in the framing of an answer not to nginx, and to Node only where
# it leads. Nothing comes of it: we write the framing anew.
TABBED = re.compile(rb"(?i)\n(content-length|transfer-encoding):[^\r\n]*\t")
POLICY = """policy 1
upstream odd {{ url = "http://127.0.0.1:{port}" }}
route all GET /{{path:path}} public {{ forward odd timeout=5s }}
"""


@dataclass(frozen=True)
class Readers:
    """Where they listen, and the server that all of them ask."""

    odd: OddServer
    ours: int
    theirs: dict[str, int]

    def compare(self, cases: list[bytes] | tuple[bytes, ...]) -> int:
        """How many were passed on; none of them may be read in another way."""
        self.odd.cases = list(cases)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ours = list(pool.map(lambda place: ask(self.ours, place), range(len(cases))))
            passed = [place for place, got in enumerate(ours) if got.status is not None]
            for name, port in self.theirs.items():
                theirs = dict(zip(passed, pool.map(lambda place, port=port: ask(port, place), passed), strict=True))
                found = [
                    place
                    for place in passed
                    if difference(ours[place], theirs[place]) and not TABBED.search(cases[place])
                ]
                said = [described(cases[place], we=ours[place], **{name: theirs[place]}) for place in found]
                assert not found, "\n".join(said)
        return len(passed)


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    if MISSING:
        pytest.skip(HOW)
    with ExitStack() as stack:
        odd = stack.enter_context(odd_server())
        behind = odd.server_address[1]
        theirs = {
            "nginx": stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), behind)),
            "node": stack.enter_context(node(behind)),
        }
        yield Readers(odd, stack.enter_context(gate(POLICY.format(port=behind))), theirs)


def test_no_known_answer_is_passed_on_that_others_read_in_another_way(readers: Readers) -> None:
    assert readers.compare(TABLE) > 100


SEVERAL = st.lists(MADE, min_size=1, max_size=24)
LENIENT = (HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.too_slow)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_no_new_answer_is_passed_on_that_others_read_in_another_way(readers: Readers, cases: list[bytes]) -> None:
    readers.compare(cases)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_no_new_answer_is_passed_on_that_others_read_in_another_way_for_long(
    readers: Readers, cases: list[bytes]
) -> None:
    readers.compare(cases)
