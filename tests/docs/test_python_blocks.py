"""Python, TOML and shell blocks of the documentation: run, or held against the file that they quote."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, all_blocks, blocks, pages

QUOTING = [block for block in all_blocks("python", "toml") if "/" in block.info]
RUNNING = [block for block in all_blocks("python") if block.info == "run"]


@pytest.mark.parametrize("block", QUOTING, ids=str)
def test_a_quoted_file_is_quoted_as_it_is(block: Block) -> None:
    assert block.text == (ROOT / block.info).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", RUNNING, ids=str)
def test_a_python_block_runs(block: Block, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(block.text, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [block for block in all_blocks("toml") if "/" not in block.info], ids=str)
def test_a_toml_block_is_a_configuration(block: Block, tmp_path: Path) -> None:
    from headgate.host.plugins import load_plugins
    from headgate.host.settings import load_settings

    tomllib.loads(block.text)
    file = tmp_path / "headgate.toml"
    file.write_text(block.text, encoding="utf-8")
    load_settings(file, {}, {}, load_plugins().settings_shapes())


def test_every_python_block_is_run_or_quoted_or_needs_a_node() -> None:
    left = [block for block in all_blocks("python") if block not in RUNNING and block not in QUOTING]
    assert {block.page.name for block in left} <= {"README.md"}  # run against a node by test_readme.py


def test_every_block_says_what_it_is() -> None:
    """A block without a language is run by nothing."""
    known = {"policy", "python", "toml", "sh", "text"}
    assert not [str(block) for page in pages() for block in blocks(page) if block.language not in known]
