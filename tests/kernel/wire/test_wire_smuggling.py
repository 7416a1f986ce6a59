"""Our reading beside nginx's and Node's: whatever we accept, they read in the same way, or refuse (`peers.reading`).

And the way out: what a node sends on after accepting is, to both, exactly the request that it accepted.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from peers.plausible import PLAUSIBLE
from peers.reading import QUIET_S, Entry, difference, read
from peers.servers import HOW, MISSING, Recorder, gate, lane, nginx, node, recorder
from peers.tricks import END, MADE, TABLE, stream

# A machine that is busy answers late; what looks like waiting is looked at again, with patience.
PATIENT_S = 3.0
AT_ONCE = 24
# Node reads nothing behind an upgrade that it does not take, and holds the connection: fewer requests, never more.
NODE_STOPS = re.compile(rb"(?i)\nupgrade:[ \t]*h2c[ \t]*\r\n")


@dataclass(frozen=True)
class Readers:
    """Where they listen."""

    ours: int
    theirs: dict[str, int]
    recorder: Recorder

    def differ(self, case: bytes) -> str | None:
        """What the others make of a case that we make something else of; None where all is well."""
        return self._differ(case, QUIET_S) and self._differ(case, PATIENT_S)

    def _differ(self, case: bytes, quiet_s: float) -> str | None:
        data = stream(case)
        ours = read(self.ours, data, quiet_s)
        if ours.broke:
            return f"{case!r}\n  breaks us"
        for name, port in self.theirs.items():
            theirs = read(port, data, quiet_s)
            if name == "node" and NODE_STOPS.search(case):
                theirs = replace(theirs, waiting=False)
            if how := difference(ours, theirs):
                return f"{case!r}\n  {name} {how}\n  we: {ours}\n  {name}: {theirs}"
        return None

    def taken(self) -> dict[str, int]:
        """How many requests the others have taken so far."""
        with socket.create_connection(("127.0.0.1", self.theirs["node"])) as connection:
            connection.sendall(END)
            said = connection.makefile("rb").read()
        found = re.search(rb"x-taken: (\d+)", said)
        assert found is not None
        return {"nginx": self.recorder.taken, "node": int(found[1])}


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    if MISSING:
        pytest.skip(HOW)
    with ExitStack() as stack:
        behind = stack.enter_context(recorder())
        theirs = {
            "nginx": stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), behind.server_address[1])),
            "node": stack.enter_context(node()),
        }
        yield Readers(stack.enter_context(lane()), theirs, behind)


def test_the_readers_read_what_is_plain_alike(readers: Readers) -> None:
    case = b"POST /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 5\r\n\r\nhello"
    readings = [read(port, stream(case)) for port in (readers.ours, *readers.theirs.values())]
    assert [len(reading.entries) for reading in readings] == [3, 3, 3]
    assert len(set(readings)) == 1


def test_no_known_trick_makes_two_readings(readers: Readers) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [how for how in pool.map(readers.differ, TABLE) if how]
    assert not found, f"{len(found)} of {len(TABLE)}:\n" + "\n".join(found)


def together(readers: Readers, cases: list[bytes]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [how for how in pool.map(readers.differ, cases) if how]
    assert not found, "\n".join(found)


SEVERAL = st.lists(MADE | PLAUSIBLE, min_size=1, max_size=24)
LENIENT = (HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.too_slow)


# The same ones each time: what is new is for the long run to find. Nothing is shrunk: a failure names its case.
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_no_new_trick_makes_two_readings(readers: Readers, cases: list[bytes]) -> None:
    together(readers, cases)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_no_new_trick_makes_two_readings_for_long(readers: Readers, cases: list[bytes]) -> None:
    together(readers, cases)


POLICY = """policy 1
upstream peer {{ url = "http://127.0.0.1:{port}", host = "preserve" }}
route all GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, PROPFIND, SOURCE, G /{{path:path}} public {{ forward peer }}
"""


@dataclass(frozen=True)
class Way:
    """A node before one of the others, which says what it got."""

    readers: Readers
    name: str
    port: int

    def differ(self, case: bytes) -> tuple[int, str | None]:
        """How many requests came through, and what the other made of one that we made something else of."""
        ours = read(self.readers.ours, stream(case), PATIENT_S)
        got = read(self.port, stream(case), PATIENT_S)
        said = f"{case!r}\n  we: {ours}\n  {self.name}: {got}"
        if got.broke or len(got.entries) != len(ours.entries):
            return 0, said
        for mine, theirs in zip(ours.entries, got.entries, strict=True):
            if mine is not None and theirs is not None and theirs != _addressed(mine, theirs):
                return 0, said
        return sum(entry is not None for entry in got.entries), None

    def compare(self, cases: list[bytes]) -> int:
        """How many requests came through; each as it was accepted, and no other."""
        before = self.readers.taken()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(self.differ, cases))
        after = self.readers.taken()
        assert not any(how for _, how in found), "\n".join(how for _, how in found if how)
        through = sum(count for count, _ in found)
        asked = 1 if self.name == "node" else 0
        assert after[self.name] - before[self.name] == through + asked, "something was sent on that nobody asked for"
        return through


def _addressed(mine: Entry, theirs: Entry) -> Entry:
    """A request that names no host, as HTTP/1.0 may, gets the upstream's."""
    return mine if mine.host else replace(mine, host=theirs.host)


@pytest.fixture(scope="module", params=["nginx", "node"])
def way(request: pytest.FixtureRequest, readers: Readers) -> Iterator[Way]:
    with gate(POLICY.format(port=readers.theirs[request.param])) as port:
        yield Way(readers, request.param, port)


def test_what_is_sent_on_is_what_was_accepted(way: Way) -> None:
    readers = way.readers
    accepted = [case for case in TABLE if (got := read(readers.ours, stream(case))).entries and got.entries[0]]
    assert len(accepted) > 100
    assert way.compare(accepted) > 300


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_what_is_sent_on_of_new_tricks_is_what_was_accepted(way: Way, cases: list[bytes]) -> None:
    way.compare(cases)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_what_is_sent_on_of_new_tricks_is_what_was_accepted_for_long(way: Way, cases: list[bytes]) -> None:
    way.compare(cases)
