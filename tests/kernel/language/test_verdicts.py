"""What the check refuses and what it lets pass: `tests/language/verdicts`, a file a topic.

A case begins with `=== what it is about: E301 E501`, or `fine`. What does not begin with `policy 1` is the body of a
route, below two upstreams. `--- name.policy` begins a further file of a case. What passes is compiled too.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stand_ins import StandIns

from headgate.host.plugins import load_plugins
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.emit import compile_program
from headgate.language.render import render

FOLDER = Path(__file__).parents[2] / "language" / "verdicts"
PLUGINS = load_plugins([("stand-ins", StandIns)])
HEAD = """policy 1
upstream orders { url = "http://orders.internal:8080" }
upstream stock { url = "http://stock.internal:8080" }
"""


def cases() -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, codes, and files of every case."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for part in re.split(r"^=== ", path.read_text(), flags=re.MULTILINE)[1:]:
            title, _, text = part.partition("\n")
            name, _, verdict = title.rpartition(": ")
            main, *others = re.split(r"^--- ", text, flags=re.MULTILINE)
            files = dict(other.split("\n", 1) for other in others)
            files["main.policy"] = main if main.startswith("policy 1") else f"{HEAD}route r GET /r {{\n{main}}}\n"
            found.append((f"{path.stem}: {name}", verdict.replace("fine", "").split(), files))
    return found


@pytest.mark.parametrize(("name", "codes", "files"), cases(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_verdict_is_as_written(name: str, codes: list[str], files: dict[str, str]) -> None:
    loaded = load(["main.policy"], files.get)
    checked = check(loaded, PLUGINS.vocabulary)
    assert sorted(finding.code for finding in checked.findings) == sorted(codes), (
        name + "\n" + render(checked.findings, loaded.sources)
    )
    if not checked.errors:
        compile_program(checked)
