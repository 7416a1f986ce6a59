"""A gateway that runs: started on its core, asleep while others are measured.

1. A peer is a process group of its own. Between its runs it is stopped (SIGSTOP), so that it costs nothing and is warm
   when its next turn comes; that is what lets slow starters take turns too.
2. It does not go to sleep before it is idle: some go on with requests whose clients have gone, for as long as a minute, and
   would have them in their next run.
3. It is ready when its port takes a connection.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bed import CONFIGURATIONS
from tests.bench.cpu import cpu_s

START_S, STOP_S = 120.0, 10.0
# Idle is who uses less than this share of a core for so long; nobody is waited for longer than that.
IDLE, LOOK_S, MOST_S = 0.1, 0.25, 90.0


@dataclass(slots=True)
class Running:
    """A process group, and its folder. `wake_s` is what it needs to come to itself."""

    process: subprocess.Popen[bytes]
    folder: Path
    wake_s: float = 0.0

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.process.pid)

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run for the time of the block, and until what is in flight then has ended. ChildProcessError if it is gone."""
        if self.process.poll() is not None:
            raise ChildProcessError(f"{self.folder.name} has ended, with status {self.process.returncode}")
        os.killpg(self.process.pid, signal.SIGCONT)
        try:
            time.sleep(self.wake_s)
            yield
        finally:
            self._finish()
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGSTOP)

    def _finish(self) -> None:
        until = time.monotonic() + MOST_S
        while time.monotonic() < until:
            before, begin = self.cpu_s, time.monotonic()
            time.sleep(LOOK_S)
            if (self.cpu_s - before) / (time.monotonic() - begin) < IDLE:
                return
        print(f"{self.folder.name} was still busy {MOST_S:g} s behind its run", file=sys.stderr, flush=True)


@contextmanager
def started(
    command: Sequence[str], folder: Path, *, core: int | str, port: int, configuration: str = "", env: Mapping[str, str] | None = None
) -> Iterator[Running]:  # fmt: skip
    """Start a gateway on a core (or several, "0,1"), wait until it listens, and end it behind the block. RuntimeError if it does not come up."""
    if _taken(port):
        raise RuntimeError(f"somebody listens on port {port} already; {command[0]} needs it")
    if configuration:
        shutil.copy(CONFIGURATIONS / configuration, folder)
    with (folder / "printed").open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command], cwd=folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        _listens(process, port, folder)
        yield Running(process, folder)
    finally:
        _end(process)


def _listens(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if _taken(port):
            return
        time.sleep(0.05)
    printed = (folder / "printed").read_text(errors="replace")[-2000:]
    status = process.poll()
    ended = "" if status is None else f"; it ended with status {status}"
    raise RuntimeError(f"{process.args} does not listen on {port}{ended}. It printed:\n{printed}")


def _taken(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            os.killpg(process.pid, signal.SIGCONT)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                continue
