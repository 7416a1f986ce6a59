"""Whatever the text, `parse` ends, raises nothing, and points into the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.language import tree
from headgate.language.codes import CODES
from headgate.language.parse import parse
from headgate.language.render import render
from headgate.language.source import Source

FOUR = [path.read_text() for path in sorted((Path(__file__).parents[2] / "language/four").rglob("*.policy"))]
BITS = [
    *("{", "}", "(", ")", "[", "]", '"', '"""', "'", "#", "\n", " ", "=", "==", "{{", "}}", "as", "if", "else", "\\"),
    *(
        "\t",
        "\r\n",
        "\x00",
        "\ufeff",
        "5s",
        "5%",
        "$1",
        "??",
        "a.b",
        "/",
        "on",
        ".*",
        "not",
        "and",
        "or",
        ",",
        '"{',
        "日",
    ),
    *(
        "policy 1\n",
        "step(\n",
        "fragment f() {",
        'test "x" {',
        "route x GET /y {",
        "\ue001",
        "\ue004",
        "match",
        "respond",
    ),
]

soup = st.lists(st.sampled_from(BITS), max_size=60).map("".join)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """One of the four files with a few things added or lost."""
    text = draw(st.sampled_from(FOUR))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        lost = draw(st.integers(0, 5))
        text = text[:at] + draw(st.sampled_from(["", *BITS])) + text[at + lost :]
    return text


def check(text: str) -> None:
    source = Source("x", text)
    file, findings = parse(source)
    assert file is not None or findings
    for finding in findings:
        assert finding.code in CODES
        assert 1 <= finding.span.line <= finding.span.end_line <= len(source.lines)
        assert finding.span[1:3] <= finding.span[3:5]
    render(findings, {"x": source})


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), soup, soup.map(lambda text: "policy 1\n" + text)))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(broken())
def test_a_broken_policy_is_refused_in_words(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "const a = " + "(" * 50_000 + ")" * 50_000,
        "const a = " + "([" * 20_000 + "}" * 20_000,
        "const a = " + "not " * 20_000 + "b",
        "const a = " + "-" * 20_000 + "b",
        "const a = " + "+".join(["1"] * 10_000),
        "const a = b" + ".c" * 10_000,
        "route x GET /y " + "{ a.b " * 5_000 + "}" * 5_000,
        'const a = "{' + "not " * 30 + 'b}"',
    ],
    ids=["parentheses", "brackets", "not", "minus", "sum", "fields", "blocks", "text"],
)
def test_what_is_nested_too_deep_is_a_finding(text: str) -> None:
    _, findings = parse(Source("x", "policy 1\n" + text))
    assert "nested deeper than" in findings[0].message


@pytest.mark.parametrize(
    "text",
    ['const a = "' + '{"' * 20_000, 'const a = """' + ("{ " * 500 + "\n") * 10 + '"""', "}" * 20_000, '"' * 20_000],
    ids=["open texts", "open holes", "closers", "quotes"],
)
def test_what_is_never_closed_is_refused_in_linear_time(text: str) -> None:
    _, findings = parse(Source("x", "policy 1\n" + text))
    assert 0 < len(findings) <= 50


def test_an_item_that_is_wrong_leaves_the_others() -> None:
    text = "policy 1\nconst a =\nroute x GET /x {\n    if a {\nroute y GET /y { respond 200 }\nconst b = 2\n"
    file, findings = parse(Source("x", text))
    assert file is not None
    assert [type(item) for item in file.items] == [tree.Route, tree.Route, tree.Const]
    assert [finding.span.line for finding in findings] == [2, 4]


def test_line_ends_tabs_and_a_byte_order_mark_do_not_matter() -> None:
    text = '\ufeffpolicy 1\r\n\r\n## About.\r\n\r\nconst a = """\r\n\tx\r\n\ty\r\n\t"""\r\n'
    file, findings = parse(Source("x", text))
    assert findings == []
    assert file is not None
    assert file.doc == "About."
    (const,) = file.items
    assert isinstance(const, tree.Const)
    assert isinstance(const.value, tree.Literal)
    assert const.value.value == "x\ny"
