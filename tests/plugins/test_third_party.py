"""A plugin that is a pip package of its own, built, installed and used; and plugins that do not hold what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import all_blocks
from live_node import environment

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tests" / "third_party" / "headgate-stamp"


def headgate(*args: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line with one more folder of installed packages."""
    inherited = os.environ.get("PYTHONPATH", "")
    env = environment(PYTHONPATH=os.pathsep.join(part for part in (str(path), inherited) if part))
    return subprocess.run(
        [sys.executable, "-m", "headgate", *args], capture_output=True, text=True, env=env, timeout=60
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    copy = tmp_path_factory.mktemp("src") / "headgate-stamp"
    subprocess.run(["cp", "-r", str(PACKAGE), str(copy)], check=True)
    subprocess.run([sys.executable, *command, "--target", str(target), str(copy)], check=True, timeout=120)
    return target


def test_an_installed_plugin_brings_its_steps(installed: Path) -> None:
    done = headgate("steps", "stamp.sign", path=installed)
    assert done.returncode == 0, done.stderr
    assert "Put a header on the answer" in done.stdout
    assert "plugin: stamp" in done.stdout


def test_a_policy_that_uses_it_checks_and_passes_its_tests(installed: Path) -> None:
    done = headgate("test", str(PACKAGE / "example.policy"), path=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 0 failed" in done.stdout


def test_the_manual_shows_the_same_policy() -> None:
    (shown,) = [block for block in all_blocks("policy") if block.info == "needs=stamp"]
    assert shown.text == (PACKAGE / "example.policy").read_text(encoding="utf-8")


def broken_plugin(tmp_path: Path, code: str) -> Path:
    """A package whose plugin is this code, as pip would have installed it."""
    (tmp_path / "headgate_broken.py").write_text(code, encoding="utf-8")
    meta = tmp_path / "headgate_broken-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: headgate-broken\nVersion: 1.0\n", encoding="utf-8")
    (meta / "entry_points.txt").write_text("[headgate]\nbroken = headgate_broken:Broken\n", encoding="utf-8")
    return tmp_path


FAULTS = {
    "does not import": ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
    "misspells a hook": (
        "from headgate.api import hookimpl\nclass Broken:\n    @hookimpl\n    def register_step(self): return []\n",
        "there is no hook `register_step`",
    ),
    "lies about its signature": (
        "from headgate.api import hookimpl, step\n"
        "@step('broken.step')\ndef wrong(ctx, amount, other, /): ...\n"
        "class Broken:\n    @hookimpl\n    def register_steps(self): return [wrong]\n",
        "`amount` has no annotation",
    ),
    "raises what is no kind": (
        "from headgate.api import Exchange, hookimpl, step\n"
        "@step('broken.step', raises=('broken.kind',))\ndef wrong(ctx: Exchange) -> None: ...\n"
        "class Broken:\n    @hookimpl\n    def register_steps(self): return [wrong]\n",
        "raises `broken.kind`, which no plugin has registered",
    ),
    "takes a step that is there": (
        "from headgate.api import Exchange, hookimpl, step\n"
        "@step('forward')\ndef wrong(ctx: Exchange) -> None: ...\n"
        "class Broken:\n    @hookimpl\n    def register_steps(self): return [wrong]\n",
        "the step `forward` is already there",
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_plugin_that_fails_is_named_and_the_rest_serve(what: str, tmp_path: Path) -> None:
    code, said = FAULTS[what]
    site = broken_plugin(tmp_path, code)
    policy = tmp_path / "fine.policy"
    policy.write_text("policy 1\n\nroute fine GET / public {\n    respond 200\n}\n", encoding="utf-8")
    done = headgate("check", str(policy), path=site)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert "`broken`" in done.stderr or "forward" in said


def test_a_policy_that_needs_a_broken_plugin_is_told_why(tmp_path: Path) -> None:
    site = broken_plugin(tmp_path, FAULTS["does not import"][0])
    policy = tmp_path / "needy.policy"
    policy.write_text("policy 1\n\nroute needy GET / public {\n    zebra.step\n    respond 200\n}\n", encoding="utf-8")
    done = headgate("check", str(policy), path=site)
    assert done.returncode == 1
    assert "no installed plugin has the step `zebra.step`" in done.stdout
    assert "the plugin `broken` did not load" in done.stdout
