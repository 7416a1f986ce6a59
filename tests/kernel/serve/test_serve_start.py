"""The first minute with Headgate: what is made, what is printed, and that what is printed works."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_node import ROOT, LiveNode, environment, live_node

POLICY = """policy 1

upstream echo {
    url = "echo:"
}

route open GET, DELETE /open/{id:int} public {
    forward echo
}

route notes POST, PUT /notes {
    auth.key as key
    forward echo
}

route files GET /files/{name} {
    auth.key as key
    forward echo
}
"""
# Each is an import that costs more than a start should wait for, and that a plain node never needs.
HEAVY = (
    "genai_prices", "pydantic", "sqlite_utils", "hypercorn", "asyncio", "openai", "httpx", "httpcore", "h11", "rich", "joserfc",
    "cryptography", "aioquic",
)  # fmt: skip


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "policies"
    folder.mkdir()
    (folder / "some.policy").write_text(POLICY, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def first(policies: Path) -> LiveNode:
    with live_node(policies, policies.parent) as node:
        yield node


def test_the_first_start_makes_a_data_folder_for_its_owner_only(first: LiveNode) -> None:
    assert stat.S_IMODE(first.data.stat().st_mode) & 0o077 == 0
    tables = sqlite3.connect(f"file:{first.data}/state.db?mode=ro", uri=True).execute("SELECT name FROM sqlite_schema")
    assert ("keys",) in tables.fetchall()


def test_the_calls_that_are_printed_work_as_they_are_printed(first: LiveNode) -> None:
    text = first.printed
    export = re.search(r"export HEADGATE_KEY=hg_\S+", text)
    assert export is not None
    assert "A team `demo` and its key were made. The key is shown once" in text
    calls = [call.strip() for call in text.split("Calls to try:")[1].split("\n\n") if "curl" in call]
    assert [re.search(r"(-X \w+ )?http://[^/]+(/\S+)", call).groups() for call in calls] == [
        (None, "/open/7"), ("-X POST ", "/notes"), (None, "/files/example"),
    ]  # fmt: skip
    for call in calls:
        script = f"{export[0]}\n{call} --silent --fail-with-body"
        done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=10)
        assert done.returncode == 0, (call, done.stdout, done.stderr)
        assert json.loads(done.stdout)["method"] in ("GET", "POST")


def test_the_second_start_shows_no_key_and_is_up_soon(first: LiveNode, policies: Path) -> None:
    began = time.monotonic()
    with live_node(policies, first.data.parent, "--no-access-log") as second:
        took = time.monotonic() - began
        assert second.key == ""
        assert re.fullmatch(r"headgate serves 3 routes with \d+ workers? on http://127.0.0.1:\d+\n", second.printed)
    sys.stdout.write(f"up in {took:.2f} s\n")
    assert took < 6


def test_nothing_heavy_is_imported_to_serve() -> None:
    script = (
        "import sys, headgate.cli, headgate.cli.serve\n"
        "from headgate.host.plugins import load_plugins\n"
        "plugins = load_plugins()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    env = environment(PYTHONPATH=f"{ROOT / 'kernel'}:{ROOT / 'plugins'}")
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=20)
    assert done.stdout == "[]\n", done.stderr
