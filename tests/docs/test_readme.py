"""The README's first screen, tried: the commands are there, and the calls give what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import ROOT, blocks
from live_node import live_node

README = ROOT / "README.md"


def test_the_commands_are_in_the_makefile() -> None:
    (commands,) = [block for block in blocks(README) if block.language == "sh"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)", commands.text, re.MULTILINE)
    assert targets == ["run", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_ci_runs_the_command_of_the_readme_with_the_peers_that_it_may_install() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith(("#", "set ", "cd "))] == ["make peers", "make test"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streaming"])
def test_the_call_with_the_openai_client_is_answered(tmp_path: Path, stream: bool) -> None:
    (block,) = [block for block in blocks(README) if block.language == "python"]
    with live_node(ROOT / "policies", tmp_path) as node:
        code = block.text.replace("http://127.0.0.1:8080", node.url).replace("hg_…", node.key)
        assert node.url in code
        assert node.key in code
        if stream:
            code = code.replace('"content": "Hello!"}]', '"content": "Hello!"}], stream=True')
            code = code.replace(
                "print(answer.choices[0].message.content)",
                'print("".join(event.choices[0].delta.content or "" for event in answer))',
            )
            assert "delta" in code
        script = tmp_path / "call.py"
        script.write_text(code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=node.environ
        )
        assert done.returncode == 0, done.stderr
        assert "Hello!" in done.stdout


def test_the_finding_that_it_shows_is_what_check_prints(tmp_path: Path) -> None:
    """The README's finding, from the policy that is missing its `auth.key`."""
    (shown,) = [block for block in blocks(README) if block.language == "text"]
    policy = tmp_path / "orders.policy"
    policy.write_text(
        'policy 1\n\nupstream orders_service { url = "http://127.0.0.1:9000" }\n\n'
        "route orders GET /orders {\n    forward orders_service timeout=2s\n}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "headgate", "check", str(policy)], capture_output=True, text=True, timeout=60
    )
    assert shown.text.strip() in done.stdout
