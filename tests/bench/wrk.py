"""wrk: as many requests as a gateway takes, over so many connections; and what wrk says of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bed import LOAD_CORE

# Above the slowest answer of the slowest peer: what is late is slow, not wrong.
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came back: answers, how many a second, and what went wrong ("" if nothing did)."""

    answered: int
    rate: float
    wrong: str


def script(path: Path, headers: Mapping[str, str], body: str = "") -> Path:
    """A wrk script; with a body it posts."""
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    if body:
        lines += ['wrk.method = "POST"', 'wrk.headers["content-type"] = "application/json"', f"wrk.body = [[{body}]]"]
    path.write_text("\n".join(lines) + "\n")
    return path


def load(url: str, lua: Path, *, seconds: float, connections: int) -> Loaded:
    """Load one gateway, with one thread on the core of the load."""
    command = [
        "taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", f"--timeout={TIMEOUT_S}s",
        "-s", str(lua), url,
    ]  # fmt: skip
    return parsed(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def parsed(printed: str) -> Loaded:
    """From what wrk prints. ValueError where that is something else."""
    rate, answered = re.search(r"Requests/sec:\s+([\d.]+)", printed), re.search(r"(\d+) requests in", printed)
    if rate is None or answered is None:
        raise ValueError(f"wrk printed:\n{printed}")
    wrong = " ".join(re.findall(r"(?:Non-2xx|Socket errors)[^\n]*", printed))
    return Loaded(int(answered[1]), float(rate[1]), wrong)
