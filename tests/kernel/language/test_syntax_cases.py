"""Golden cases: what a text is read as, or what is said of it, message and all."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headgate.language import tree
from headgate.language.codes import CODES
from headgate.language.parse import parse
from headgate.language.render import render
from headgate.language.source import Source, Span

LANGUAGE = Path(__file__).parents[2] / "language"
FINDINGS = sorted((LANGUAGE / "cases").glob("syntax-*"))
TREES = sorted((LANGUAGE / "cases").glob("tree-*"))
FOUR = sorted((LANGUAGE / "four").rglob("*.policy"))


def read(path: Path) -> Source:
    return Source(path.name, path.read_bytes().decode())


def place(span: Span) -> str:
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def dump(value: object, indent: int = 0) -> str:
    """A tree as text: a field a line, what is empty left out."""
    pad = "  " * indent
    if isinstance(value, Span):
        return place(value)
    if isinstance(value, tuple):
        return "".join(f"\n{pad}- {dump(item, indent + 1)}" for item in value)
    if not isinstance(value, tree.Node):
        return repr(value)
    lines = [f"{type(value).__name__} {place(value.span)}"]
    for field in dataclasses.fields(value)[1:]:
        inner = getattr(value, field.name)
        if inner not in ((), None, "", False):
            lines.append(f"{pad}  {field.name}: {dump(inner, indent + 1)}")
    return "\n".join(lines)


@pytest.mark.parametrize("case", FINDINGS, ids=lambda case: case.name)
def test_findings_read_as_expected(case: Path) -> None:
    source = read(case / "input.policy")
    _, findings = parse(source)
    assert render(findings, {source.name: source}) + "\n" == (case / "expected.txt").read_text()


@pytest.mark.parametrize("case", FINDINGS, ids=lambda case: case.name)
def test_every_code_that_is_raised_is_in_the_table(case: Path) -> None:
    _, findings = parse(read(case / "input.policy"))
    assert findings
    assert {finding.code for finding in findings} <= CODES.keys()


@pytest.mark.parametrize("case", TREES, ids=lambda case: case.name)
def test_trees_are_as_expected(case: Path) -> None:
    file, findings = parse(read(case / "input.policy"))
    assert findings == []
    assert dump(file) + "\n" == (case / "expected.txt").read_text()


@pytest.mark.parametrize("path", FOUR, ids=lambda path: path.name)
def test_the_four_files_parse_without_findings(path: Path) -> None:
    file, findings = parse(read(path))
    assert findings == []
    assert file is not None
    assert file.items
