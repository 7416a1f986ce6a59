"""What this is measured on."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def machine() -> dict[str, str]:
    """The processor, the system, and the tools of the load."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "?",
        "system": f"{_distribution()}, Linux {'.'.join(platform.release().split('.')[:2])}",
        "wrk": _told("wrk", "-v", r"wrk (?:debian/)?(\S+)"),
        "h2load": _told("h2load", "--version", r"nghttp2/(\S+)"),
    }


def _distribution() -> str:
    found = re.search(r'PRETTY_NAME="([^"]+)"', Path("/etc/os-release").read_text())
    return found[1] if found else "Linux"


def _told(program: str, flag: str, pattern: str) -> str:
    if shutil.which(program) is None:
        return "not there"
    ran = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    found = re.search(pattern, ran.stdout + ran.stderr)
    return found[1] if found else "?"
