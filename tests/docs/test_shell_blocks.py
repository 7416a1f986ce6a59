"""The shell blocks of the manual, run from top to bottom against a live node, with the policies that stand between them.

A block `sh skip: reason` is not run, `sh fails` must fail. Blocks of the README are in `test_readme.py`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_blocks import ROOT, Block, all_blocks, blocks
from live_node import LiveNode, live_node

MANUAL = [block for block in all_blocks("sh") if block.page.name != "README.md"]
PAGES = sorted({block.page for block in MANUAL})
QUOTES = "policies/quotes.policy"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LiveNode]:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    with live_node(tmp_path / "policies", tmp_path, cwd=tmp_path) as node:
        yield node


def run(block: Block, node: LiveNode, cwd: Path) -> str:
    """What the block prints."""
    environ = {**node.environ, "HEADGATE_KEY": node.key, "HEADGATE_DATA": str(node.data)}
    script = block.text.replace("http://127.0.0.1:8080", node.url)
    done = subprocess.run(["sh", "-ec", script], cwd=cwd, env=environ, capture_output=True, text=True, timeout=30)
    said = f"{block} gave {done.returncode}:\n{done.stdout}{done.stderr}"
    assert (done.returncode != 0) == (block.info == "fails"), said
    assert "Traceback" not in said
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_shell_block_of_a_page_works_in_its_order(page: Path, node: LiveNode, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "policy" and page.name == "tutorial.md":
            printed = len(node.printed)
            (tmp_path / QUOTES).write_text(block.text, encoding="utf-8")
            sign = "goes on serving" if "finding=" in block.info else "reloaded"
            node.wait_for(f"(?s).{{{printed}}}.*{sign}")
        elif block.language == "sh" and not block.info.startswith("skip: "):
            assert run(block, node, tmp_path), f"{block} prints nothing"


def test_the_tutorial_gives_what_it_says(node: LiveNode, tmp_path: Path) -> None:
    with_key, without = [block for block in blocks(ROOT / "docs/tutorial.md") if block.text.startswith("curl")]
    echoed = json.loads(run(with_key, node, tmp_path))
    assert echoed["path"] == "/orders/7"
    assert echoed["headers"]["x-team"] == "demo"
    assert node.key not in json.dumps(echoed)
    refused = json.loads(run(without, node, tmp_path))
    assert (refused["status"], refused["type"]) == (401, "about:blank")


def test_every_block_is_run_or_says_why_not() -> None:
    assert len(MANUAL) >= 6
    assert all(re.fullmatch(r"|fails|skip: .{10,}", block.info) for block in MANUAL), [str(block) for block in MANUAL]
