"""Sockets that a service manager opened, and what it is told."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from live_crew import until
from live_node import ROOT, environment

from headgate.errors import SettingsError
from headgate.supervise.systemd import activated, notify

POLICY = 'policy 1\n\nroute r GET / public {\n    respond 200 text="hello"\n}\n'
# As a service manager does it: the sockets are the third descriptor and those that follow.
TRAMPOLINE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_sockets_of_a_service_manager_are_served_and_it_is_told_who_serves(tmp_path: Path) -> None:
    (tmp_path / "a.policy").write_text(POLICY, encoding="utf-8")
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = f"headgate-test-{os.getpid()}"
    told.bind(f"\0{name}")
    told.settimeout(60)
    with socket.create_server(("127.0.0.1", 0)) as listening, told:
        serve = ["serve", "a.policy", "--workers", "1", "--no-access-log", "--data", "data"]
        command = [sys.executable, "-c", TRAMPOLINE, str(listening.fileno()), sys.executable, "-m", "headgate", *serve]
        env = {**environment(PYTHONPATH=f"{ROOT / 'kernel'}:{ROOT / 'plugins'}"), "NOTIFY_SOCKET": f"@{name}"}
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                command, pass_fds=[listening.fileno()], cwd=tmp_path, env=env, stderr=log, stdout=log
            )
        try:
            assert told.recv(1000).decode() == f"READY=1\nMAINPID={process.pid}"
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            assert re.search(f"with 1 worker on {url}", (tmp_path / "log").read_text())
            with urllib.request.urlopen(url, timeout=20) as answer:
                assert answer.read() == b"hello"
        finally:
            process.terminate()
            assert process.wait(30) == 0
    until(lambda: "stopped" in (tmp_path / "log").read_text())


def test_sockets_for_somebody_else_are_none() -> None:
    assert activated({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, ["a:1"]) == {}
    assert activated({}, ["a:1"]) == {}


def test_as_many_sockets_as_binds_are_handed_down() -> None:
    with pytest.raises(SettingsError, match="`bind` has 1 addresses, and the service manager hands down 2 sockets"):
        activated({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}, ["a:1"])


def test_who_is_not_there_is_told_nothing() -> None:
    notify({}, ready=1)
    notify({"NOTIFY_SOCKET": "@nobody-listens-here"}, ready=1)
