"""Whatever a policy says, the check ends soon and raises nothing; and what it lets pass can be compiled."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stand_ins import StandIns

from headgate.host.plugins import load_plugins
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.codes import CODES
from headgate.language.emit import compile_program
from headgate.language.render import render, to_json

ROOT = Path(__file__).parents[3]
PLUGINS = load_plugins([("stand-ins", StandIns)])
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for folder in ("tests/language", "policies", "plugins", "tests/bench", "tests/third_party")
    for path in sorted((ROOT / folder).rglob("*.policy"))
}
PAGES = re.findall(
    r"```policy[^\n]*\n(.*?)```", "".join(p.read_text() for p in (ROOT / "docs").glob("*.md")), re.DOTALL
)
TEXTS = [*FILES.values(), *PAGES, *(wrapped for code in CODES.values() for wrapped in (code.bad, code.good))]
LINES = sorted({line.strip() for text in TEXTS for line in text.split("\n") if line.strip()})
WORDS = sorted({word for text in TEXTS for word in re.findall(r"[\w.]+|\S", text)})
QUICK = settings(
    deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), database=None
)
SECONDS = 5.0  # for a policy of a few dozen lines; a machine with other work to do included


def examine(text: str) -> None:
    """Check a text as a file of its own, with the others of the repository beside it."""
    files = {**FILES, "main.policy": text}
    began = time.perf_counter()
    loaded = load(["main.policy"], files.get)
    checked = check(loaded, PLUGINS.vocabulary)
    for finding in checked.findings:
        assert finding.code in CODES
        assert (finding.severity == "warning") == finding.code.startswith("W")
    render(checked.findings, loaded.sources)
    to_json(checked.findings)
    if not checked.errors:
        compile_program(checked)
    assert time.perf_counter() - began < SECONDS


@st.composite
def mixed(draw: st.DrawFn) -> str:
    """A policy in which lines are lost, doubled, moved, or come from other policies, and words are others."""
    lines = draw(st.sampled_from([*FILES.values(), *PAGES])).split("\n")
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, draw(st.sampled_from(LINES)))
            case 2:
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case 3:
                lines[at] = draw(st.sampled_from(LINES))
            case _:
                words = re.split(r"([\w.]+)", lines[at])
                words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(WORDS))
                lines[at] = "".join(words)
        lines = lines or [""]
    return "\n".join(lines)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """A route of lines that have nothing to do with each other."""
    lines = draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=8))
    heads = ["upstream orders { url = 'http://orders' }", "upstream stock { url = 'http://stock' }"]
    return "\n".join(["policy 1", *heads, "route r GET /r {", "auth.key as key", *lines, "}"])


@settings(QUICK, max_examples=150)
@given(mixed())
def test_a_policy_with_mistakes_is_refused_in_words(text: str) -> None:
    examine(text)


@settings(QUICK, max_examples=150)
@given(bodies())
def test_lines_at_random_are_refused_in_words(text: str) -> None:
    examine(text)


@pytest.mark.parametrize("text", [*FILES.values(), *PAGES], ids=lambda text: text[:40])
def test_every_policy_of_the_repository_is_examined_whole(text: str) -> None:
    examine(text)
