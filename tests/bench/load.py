"""wrk, and what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

BODY = '{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Say hello, please."}]}'


def script(folder: Path, *, key: str, post: bool) -> Path:
    """A wrk script with the headers and the body of a route."""
    lines = [f'wrk.headers["authorization"] = "Bearer {key}"'] if key else []
    if post:
        lines += ['wrk.method = "POST"', 'wrk.headers["content-type"] = "application/json"', f"wrk.body = [[{BODY}]]"]
    path = folder / f"{'post' if post else 'get'}-{'key' if key else 'bare'}.lua"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(url: str, lua: Path, *, seconds: int, connections: int, core: int) -> tuple[float, int, str]:
    """Requests a second, how many were answered, and what went wrong ("" if nothing did)."""
    command = [
        "taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(lua), url,
    ]  # fmt: skip
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])  # type: ignore[index]
    answered = int(re.search(r"(\d+) requests in", out)[1])  # type: ignore[index]
    wrong = " ".join(re.findall(r"(?:Non-2xx|Socket errors)[^\n]*", out))
    return rate, answered, wrong
