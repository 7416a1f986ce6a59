"""Peers that pip and npm have, in folders of their own: `build/bench/python` and `build/bench/node`.

They are installed once, by exactly what the lock files say, and again when a lock file changes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.bed import CONFIGURATIONS, KEPT, ROOT

PYTHON_LOCK = ROOT / "requirements-bench.lock"
NODE_LOCK = CONFIGURATIONS / "package-lock.json"
PYTHON, NODE = KEPT / "python", KEPT / "node"


def python_peers() -> str:
    """Have LiteLLM and Envoy; why not, if that failed."""
    return _once(PYTHON_LOCK, PYTHON, _pip)


def node_peers() -> str:
    """Have Portkey; why not, if that failed."""
    if shutil.which("npm") is None:
        return "npm is not there (Debian: apt-get install nodejs npm)"
    return _once(NODE_LOCK, NODE, _npm)


def _pip() -> None:
    _run(sys.executable, "-m", "venv", "--clear", str(PYTHON))
    pip = [str(PYTHON / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run(*pip, "install", "--require-hashes", "-r", str(PYTHON_LOCK))


def _npm() -> None:
    shutil.rmtree(NODE, ignore_errors=True)
    NODE.mkdir(parents=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(CONFIGURATIONS / file, NODE)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(NODE))


def _once(lock: Path, folder: Path, install: Callable[[], None]) -> str:
    stamp, digest = folder / "installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return ""
    print(f"installing what {lock.name} says into {folder.relative_to(ROOT)} (once; some minutes)", flush=True)
    try:
        install()
    except subprocess.CalledProcessError as error:
        return f"`{' '.join(error.cmd)}` failed:\n{error.stderr.decode(errors='replace')[-1000:]}"
    stamp.write_text(digest)
    return ""


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
