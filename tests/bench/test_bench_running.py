"""A peer is started, sleeps between its turns, and is gone in the end."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from tests.bench.running import started


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def server(port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def test_a_peer_is_stopped_behind_its_turn_and_ends_although_it_sleeps(tmp_path: Path) -> None:
    port = free_port()
    with started(server(port), tmp_path, core=0, port=port) as running:
        with running.awake():
            assert state(running.process.pid) in "SR"
            assert os.sched_getaffinity(running.process.pid) == {0}
        os.waitid(os.P_PID, running.process.pid, os.WSTOPPED | os.WNOWAIT)  # until it stands
        assert state(running.process.pid) == "T"
    assert running.process.returncode is not None


def test_a_peer_that_has_ended_is_not_measured(tmp_path: Path) -> None:
    port = free_port()
    with started(server(port), tmp_path, core=0, port=port) as running:
        running.process.kill()
        running.process.wait()
        with pytest.raises(ChildProcessError, match="status -9"), running.awake():
            pass


def test_a_peer_that_goes_on_working_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    work = f"""
import socket, time
server = socket.create_server(("127.0.0.1", {port}))
while time.process_time() < 0.7:
    pass
time.sleep(60)
"""
    with started([sys.executable, "-c", work], tmp_path, core=0, port=port) as running:
        with running.awake():
            pass
        assert running.cpu_s >= 0.6


def test_a_peer_that_does_not_come_up_says_what_it_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]
    with pytest.raises(RuntimeError, match="no such option"), started(command, tmp_path, core=0, port=free_port()):
        pass


def test_a_port_that_somebody_has_is_not_taken_for_the_peers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(RuntimeError, match="already"), started(server(port), tmp_path, core=0, port=port):
            pass
