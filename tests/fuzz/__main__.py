"""Every harness in turn, each in a process of its own. Stops at the first find."""

from __future__ import annotations

import subprocess
import sys

from tests.fuzz import HARNESSES

for name in HARNESSES:
    print(f"--- {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"tests.fuzz.{name}", *sys.argv[1:]], check=True)
