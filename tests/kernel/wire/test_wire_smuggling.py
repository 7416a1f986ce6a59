"""Our reading beside nginx's and Node's: whatever we accept, they read in the same way, or refuse (`peers.reading`)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from peers.reading import QUIET_S, Reading, difference, read
from peers.servers import HOW, MISSING, lane, nginx, node, recorder
from peers.tricks import MADE, TABLE, stream

# A machine that is busy answers late; what looks like waiting is looked at again, with patience.
PATIENT_S = 3.0
AT_ONCE = 24


@dataclass(frozen=True)
class Readers:
    ours: int
    theirs: dict[str, int]

    def differ(self, case: bytes) -> str | None:
        """What the others make of a case that we make something else of; None where all is well."""
        return self._differ(case, QUIET_S) and self._differ(case, PATIENT_S)

    def _differ(self, case: bytes, quiet_s: float) -> str | None:
        data = stream(case)
        ours = read(self.ours, data, quiet_s)
        for name, port in self.theirs.items():
            theirs = read(port, data, quiet_s)
            if how := difference(ours, theirs):
                return f"{case!r}\n  {name} {how}\n  we: {ours}\n  {name}: {theirs}"
        return None


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    if MISSING:
        warnings.warn(HOW, pytest.PytestWarning, stacklevel=1) if False else pytest.skip(HOW)
    folder: Path = tmp_path_factory.mktemp("nginx")
    with ExitStack() as stack:
        behind = stack.enter_context(recorder())
        theirs = {
            "nginx": stack.enter_context(nginx(folder, behind.server_address[1])),
            "node": stack.enter_context(node()),
        }
        yield Readers(stack.enter_context(lane()), theirs)


def test_the_readers_read_what_is_plain_alike(readers: Readers) -> None:
    case = b"POST /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 5\r\n\r\nhello"
    readings = [read(port, stream(case)) for port in (readers.ours, *readers.theirs.values())]
    assert [len(reading.entries) for reading in readings] == [3, 3, 3]
    assert len(set(readings)) == 1


def test_no_known_trick_makes_two_readings(readers: Readers) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [how for how in pool.map(readers.differ, TABLE) if how]
    assert not found, f"{len(found)} of {len(TABLE)}:\n" + "\n".join(found)
