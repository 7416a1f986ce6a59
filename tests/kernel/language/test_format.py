"""The formatter: once is enough, nothing is lost, and the tree stays what it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headgate.errors import PolicyError
from headgate.language import tree
from headgate.language.format import format_source
from headgate.language.parse import parse
from headgate.language.source import Source, Span

LANGUAGE = Path(__file__).parents[2] / "language"
FOUR = sorted((LANGUAGE / "four").rglob("*.policy"))
TEXTS = [path.read_text() for path in FOUR] + [(LANGUAGE / "cases/tree-card/input.policy").read_text()]
SPACES = [" ", "\n", "\n\n\n", "\t", " # c\n", "\n# c\n", "\n## d\n", "\r\n", ",", "", "(", ")"]


def form(text: str) -> str:
    return format_source(Source("x", text))


def shape(value: object) -> object:
    """A tree without what formatting may change: places, and the indentation of triple-quoted texts."""
    if isinstance(value, Span):
        return None
    if isinstance(value, tuple):
        return tuple(shape(item) for item in value)
    if not isinstance(value, tree.Node):
        return value
    skipped = {"comments"} | ({"raw"} if isinstance(value, tree.Literal) and value.kind == "text" else set())
    names = [field.name for field in dataclasses.fields(value) if field.name not in skipped]
    return (type(value).__name__, *(shape(getattr(value, name)) for name in names))


@pytest.mark.parametrize("path", FOUR, ids=lambda path: path.name)
def test_the_four_files_stand_as_the_formatter_leaves_them(path: Path) -> None:
    assert form(path.read_text()) == path.read_text()


@st.composite
def respaced(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(9, len(text)))
        lost = draw(st.integers(0, 2))
        text = text[:at] + draw(st.sampled_from(SPACES)) + text[at + lost :]
    return text


@settings(max_examples=80, deadline=None)
@given(respaced())
def test_formatting_is_idempotent_and_changes_nothing(text: str) -> None:
    before, findings = parse(Source("x", text))
    assume(before is not None and not findings)
    once = form(text)
    after, findings = parse(Source("x", once))
    assert findings == []
    assert before is not None
    assert after is not None
    assert shape(after) == shape(before)
    assert sorted(one.text.lstrip("#") for one in after.comments) == sorted(
        one.text.lstrip("#") for one in before.comments
    )
    assert form(once) == once


@pytest.mark.parametrize(
    ("written", "laid_out"),
    [
        ("const  a=1   # one", "const a = 1  # one\n"),
        ("const a = [1,2,]", "const a = [1, 2]\n"),
        ("const a = [\n1, # one\n\n\n2]", "const a = [\n    1,  # one\n\n    2,\n]\n"),
        ("route r GET /r public {respond 200}", "route r GET /r public { respond 200 }\n"),
        ("route r GET /r {\n respond 200\n}", "route r GET /r {\n    respond 200\n}\n"),
        ("route r GET /r { }", "route r GET /r { }\n"),
        ("type T {\na: text, b: int?\n}", "type T {\n    a: text\n    b: int?\n}\n"),
        ("const a = (b # why\n and c)", "# why\nconst a = (b and c)\n"),
        ("const a = (\nb and\tc)", "const a = (\n    b\n    and c\n)\n"),
    ],
)
def test_a_line_is_laid_out(written: str, laid_out: str) -> None:
    assert form(f"policy 1\n{written}") == f"policy 1\n{laid_out}"


def test_a_step_that_does_not_fit_takes_the_long_form() -> None:
    argument = "https://" + "x" * 50
    text = f'policy 1\nroute r GET /r {{\n    auth.jwt issuer="{argument}" audience="{argument}" as user\n}}\n'
    assert form(text) == (
        "policy 1\nroute r GET /r {\n    auth.jwt(\n"
        f'        issuer="{argument}"\n        audience="{argument}"\n    ) as user\n}}\n'
    )


def test_a_text_moves_with_its_statement() -> None:
    text = 'policy 1\nprompt p() {\n  system = """\n  a\n    b\n  """\n}\n'
    assert form(text) == 'policy 1\nprompt p {\n    system = """\n        a\n          b\n        """\n}\n'


def test_what_cannot_be_read_is_not_laid_out() -> None:
    with pytest.raises(PolicyError) as raised:
        form("policy 1\nconst a =\n")
    assert raised.value.diagnostics[0].code == "E001"
