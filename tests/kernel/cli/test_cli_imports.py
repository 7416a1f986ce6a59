"""What a verb imports: no more than it needs, counted by name. Seconds follow from that, and are not asked for here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from live_node import ROOT, environment, live_node

POLICY = 'policy 1\n\nroute r GET / public {\n    respond 200 text="ok"\n}\n'
LIBRARIES = {
    "aioquic", "asyncio", "cryptography", "genai_prices", "h11", "h2", "httpcore", "httptools", "httpx", "hypercorn", "joserfc",
    "lark", "pluggy", "pydantic", "rich", "sqlite3", "sqlite_utils", "trio",
}  # fmt: skip
CHECKS = {"lark", "pluggy", "trio"}


def imported(cwd: Path, *args: str) -> set[str]:
    """The libraries that a verb imports, and our rooms that are not for everybody."""
    command = [sys.executable, "-X", "importtime", "-m", "headgate", *args]
    env = environment(PYTHONPATH=f"{ROOT / 'kernel'}:{ROOT / 'plugins'}")
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=30)
    assert "import time:" in done.stderr
    names = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    rooms = {name for name in ("headgate.serve", "headgate.wire", "headgate.host.plugins") if name in names}
    return names & LIBRARIES | rooms


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "one.policy").write_text(POLICY, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("args", "needs"),
    [
        (["--version"], set()),
        (["help", "E501"], set()),
        (["status"], set()),
        (["reload"], set()),
        (["upgrade"], set()),
        (["fmt", "--check"], {"lark"}),
        (["check"], CHECKS | {"headgate.host.plugins"}),
        (["steps"], CHECKS | {"headgate.host.plugins"}),
        (["routes"], CHECKS | {"headgate.host.plugins", "rich"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_verb_imports_what_it_needs_and_nothing_else(folder: Path, args: list[str], needs: set[str]) -> None:
    assert imported(folder, *args) == needs


def test_settings_are_judged_without_plugins_where_none_is_needed(folder: Path) -> None:
    (folder / "headgate.toml").write_text('data = "there"\n[sqlite]\nkeep_days = 3\n', encoding="utf-8")
    env = environment(PYTHONPATH=f"{ROOT / 'kernel'}:{ROOT / 'plugins'}", HEADGATE_DTA="x")
    command = [sys.executable, "-m", "headgate", "status"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=30)
    assert (done.returncode, "did you mean `data`" in done.stderr) == (2, True)
    del env["HEADGATE_DTA"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=30)
    assert (done.returncode, "runs on there" in done.stderr) == (3, True)


def test_no_process_of_a_node_has_what_it_does_not_use(folder: Path) -> None:
    """By what is mapped into its memory: of these, each has a part that is compiled."""
    with live_node(folder / "policies", folder, "--workers", "1") as node:
        children = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text().split()
        maps = [Path(f"/proc/{pid}/maps").read_text() for pid in (str(node.process.pid), *children)]
    assert len(maps) == 3
    assert not [name for name in ("cryptography", "pydantic_core", "pylsqpack") for one in maps if f"/{name}/" in one]
