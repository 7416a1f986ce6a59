"""A node as a user starts it: `headgate serve` in a process of its own, on a free port, with a fresh data folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


@dataclass(slots=True)
class LiveNode:
    """A running node: where it listens, its key, and what it printed."""

    process: subprocess.Popen[bytes]
    log: Path
    data: Path
    url: str = ""
    key: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, pattern: str, timeout_s: float = START_S) -> re.Match[str]:
        """Wait until the node has printed something that matches."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if (found := re.search(pattern, self.printed)) is not None:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the node never printed {pattern!r}; it printed:\n{self.printed}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it and give its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(15)


def environment(**more: str) -> dict[str, str]:
    """A clean environment with the commands of this venv first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR", "PYTHONPATH")}
    return {**kept, "PATH": path, **more}


@contextmanager
def live_node(
    policies: Path,
    tmp: Path,
    *args: str,
    port: int = 0,
    env: dict[str, str] | None = None,
    cwd: Path = ROOT,
    start_s: float = START_S,
) -> Iterator[LiveNode]:
    """Serve `policies` until the block ends."""
    data, log = tmp / "data", tmp / f"node-{time.monotonic_ns()}.log"
    command: Sequence[str] = (
        sys.executable, "-m", "headgate", "serve", str(policies), "--bind", f"127.0.0.1:{port}", "--data", str(data), *args,
    )  # fmt: skip
    environ = environment(**(env or {}))
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=cwd, env=environ)
    node = LiveNode(process, log, data, environ=environ)
    try:
        node.url = node.wait_for(r"headgate serves .* on (http://[^\s,;\"]+)", start_s)[1]
        found = re.search(r"HEADGATE_KEY=(\S+)", node.printed)
        node.key = found[1] if found else ""
        yield node
    finally:
        node.stop()
