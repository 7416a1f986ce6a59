"""A process that is asked where its threads are says so, whatever its master does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from live_crew import held_request, status, until, workers
from live_node import environment, live_node

POLICY = 'policy 1\n\nupstream echo {\n    url = "echo:"\n}\n\nroute e POST /echo public {\n    forward echo\n}\n'

FLOODED = """
import signal
from headgate.supervise.fork import fork
from headgate.supervise.loop import Loop

def run(sock):
    for _ in range(2000):
        signal.raise_signal(signal.SIGUSR1)
    sock.sendall(b"it goes on")
    return 0

loop = Loop()
pid, sock = fork(loop, run, "worker x")
sock.settimeout(20)
said = sock.recv(100).decode()
loop.at(0.5, loop.stop)
loop.run()
print(said)
"""


def test_a_master_that_hangs_does_not_hold_up_a_process_that_says_where_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FLOODED], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "it goes on\n", done.stderr


LISTENED = """
import logging, signal, threading, time
from headgate.supervise.fork import fork
from headgate.supervise.loop import Loop

def deep(levels, then):
    return then() if levels == 0 else deep(levels - 1, then)

def run(sock):
    started, end = threading.Barrier(7), threading.Event()
    for _ in range(6):
        threading.Thread(target=deep, args=(80, lambda: (started.wait(), end.wait())), daemon=True).start()
    started.wait()
    time.sleep(0.3)  # faulthandler itself may crash where other threads are just moving
    signal.raise_signal(signal.SIGUSR1)
    sock.sendall(b"said")
    return 0

logging.basicConfig(level=logging.INFO)
loop = Loop()
pid, sock = fork(loop, run, "worker x")
assert sock.recv(100) == b"said"
loop.at(0.5, loop.stop)
loop.run()
"""


def test_what_seven_deep_threads_say_while_the_master_is_busy_is_heard_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTENED], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stderr.count("hread 0x") == 7, done.stderr
    assert done.stderr.count(", line 7 in deep\n") == 6 * 81


def test_a_worker_whose_master_is_gone_says_where_it_is_on_stderr(tmp_path: Path) -> None:
    policies = tmp_path / "a.policy"
    policies.write_text(POLICY, encoding="utf-8")
    with live_node(policies, tmp_path, "--workers", "1") as node:
        held = held_request(node)
        until(lambda: status(node)["active"] == 1)
        (worker,) = workers(node)
        node.process.kill()
        node.process.wait(10)
        until(lambda: "the master is gone" in node.printed)
        os.kill(worker["pid"], signal.SIGUSR1)
        until(lambda: re.search(r"(Current t|T)hread 0x\w+ .*most recent call first", node.printed))
        held.send(b"b")
        assert held.getresponse().status == 200
        held.close()
        until(lambda: not Path(f"/proc/{worker['pid']}").exists())
