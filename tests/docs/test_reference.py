"""The reference is what the code says."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import reference

from headgate import hookspecs

ROOT = Path(__file__).resolve().parents[2]
HOOKS = [
    name for name, call in vars(hookspecs).items() if inspect.isfunction(call) and call.__module__ == hookspecs.__name__
]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """As `make docs` makes them: in a process of its own, for click keeps the help of verbs that were called before."""
    command = [sys.executable, "-c", "import json, reference; print(json.dumps(reference.pages()))"]
    done = subprocess.run(command, cwd=Path(reference.__file__).parent, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["steps.md", "hooks.md", "cli.md", "findings.md", "limits.md"])
def test_a_page_of_the_reference_is_up_to_date(pages: dict[str, str], name: str) -> None:
    assert (reference.FOLDER / name).read_text(encoding="utf-8") == pages[name], "run `make docs`"


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_test_of_its_own(hook: str) -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert re.search(rf"def test_hook_{hook}\b", tests), f"no test_hook_{hook}"


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_used_by_a_plugin_that_ships(hook: str) -> None:
    plugins = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py"))
    plugins += "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "third_party").rglob("*.py"))
    assert re.search(rf"def {hook}\b", plugins), f"no shipped plugin implements {hook}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("README.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
