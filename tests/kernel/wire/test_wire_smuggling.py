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
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from peers.reading import QUIET_S, Reading, difference, read
from peers.servers import HOW, MISSING, Recorder, lane, nginx, node, recorder
from peers.tricks import END, MADE, TABLE, stream

from headgate.testing import open_gate
from headgate_routing import Routing

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


SEVERAL = st.lists(MADE, min_size=1, max_size=24)
LENIENT = (HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.too_slow)


# The same ones each time: what is new is for the long run to find.
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=LENIENT, phases=[Phase.generate])
@given(cases=SEVERAL)
def test_no_new_trick_makes_two_readings(readers: Readers, cases: list[bytes]) -> None:
    together(readers, cases)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=LENIENT)
@given(cases=SEVERAL)
def test_no_new_trick_makes_two_readings_for_long(readers: Readers, cases: list[bytes]) -> None:
    together(readers, cases)


POLICY = """policy 1
upstream nginx {{ url = "http://127.0.0.1:{nginx}", host = "preserve" }}
upstream node {{ url = "http://127.0.0.1:{node}", host = "preserve" }}
route all GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, PROPFIND, SOURCE, G /{{path:path}} public {{ forward {peer} }}
"""


@pytest.mark.parametrize("peer", ["nginx", "node"])
async def test_what_is_sent_on_is_what_was_accepted(readers: Readers, peer: str) -> None:
    policy = POLICY.format(**readers.theirs, peer=peer)
    accepted = [case for case in TABLE if (got := read(readers.ours, stream(case))).entries and got.entries[0]]
    assert len(accepted) > 100
    async with open_gate(policy, plugins=[("routing", Routing)], discover=False) as gate:
        port = int(gate.url.rpartition(":")[2])
        before = readers.taken()
        through: list[tuple[bytes, Reading]] = []
        limiter = trio.CapacityLimiter(AT_ONCE)

        async def one(case: bytes) -> None:
            got = await trio.to_thread.run_sync(read, port, stream(case), PATIENT_S, limiter=limiter)
            through.append((case, got))

        async with trio.open_nursery() as nursery:
            for case in accepted:
                nursery.start_soon(one, case)
        after = readers.taken()
    for case, got in through:
        ours = read(readers.ours, stream(case))
        assert len(got.entries) == len(ours.entries), (case, ours, got)
        for mine, theirs in zip(ours.entries, got.entries, strict=True):
            if mine is not None and theirs is not None:
                assert theirs == (mine if mine.host else replace(mine, host=theirs.host)), (case, ours, got)
    answered = sum(entry is not None for _, got in through for entry in got.entries)
    assert answered > 300
    asked = 1 if peer == "node" else 0
    assert after[peer] - before[peer] == answered + asked, "something was sent on that nobody asked for"
