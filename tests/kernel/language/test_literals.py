"""What literals are worth."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headgate.contracts.values import Money, Rate, StatusClass
from headgate.language import tree
from headgate.language.parse import parse
from headgate.language.source import Source


def value_of(text: str) -> tree.Expr:
    file, findings = parse(Source("x", f"policy 1\nconst a = {text}\n"))
    assert findings == []
    assert file is not None
    (const,) = file.items
    assert isinstance(const, tree.Const)
    return const.value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", "int", 7),
        ("1.5", "number", 1.5),
        ("250ms", "duration", 0.25),
        ("1.5s", "duration", 1.5),
        ("10m", "duration", 600.0),
        ("1d", "duration", 86400.0),
        ("256KB", "size", 262144),
        ("1.5MB", "size", 1572864),
        ("100/min", "rate", Rate(100, 60.0)),
        ("200k/day", "rate", Rate(200_000, 86400.0)),
        ("$500", "money", Money(500_000_000_000)),
        ("$0.25", "money", Money(250_000_000)),
        ("5%", "percent", Decimal("0.05")),
        ("5xx", "statusclass", StatusClass(5)),
        ("true", "bool", True),
        ("none", "none", None),
        (r'"a\n\"b\" {{x}} \u00e9"', "text", 'a\n"b" {x} é'),
        (r"'a\n {x}'", "text", r"a\n {x}"),
        ('"""\n    a\n      b\n\n    c\n    """', "text", "a\n  b\n\nc"),
        ('"""a\n    b"""', "text", "a\n    b"),
        ('"""\n"""', "text", ""),
        ('""', "text", ""),
    ],
)
def test_a_literal_has_its_kind_and_value(text: str, kind: str, value: object) -> None:
    literal = value_of(text)
    assert isinstance(literal, tree.Literal)
    assert (literal.kind, literal.value, literal.raw) == (kind, value, text)


def test_a_text_with_holes_is_pieces_and_expressions_in_turn() -> None:
    found = value_of('"a {b["c"]}{d} {{e}} {f("{g}")}"')
    assert isinstance(found, tree.Interpolation)
    shape = [part if isinstance(part, str) else type(part).__name__ for part in found.parts]
    assert shape == ["a ", "Index", "Name", " {e} ", "Call"]


def test_the_expression_in_a_text_knows_where_it_stands() -> None:
    found = value_of('"a {bcd}"')
    assert isinstance(found, tree.Interpolation)
    hole = found.parts[1]
    assert isinstance(hole, tree.Name)
    assert hole.span == ("x", 2, 15, 2, 18)


def test_the_default_binds_tighter_than_a_comparison() -> None:
    found = value_of('h ?? "" == "x"')
    assert isinstance(found, tree.Binary)
    assert found.op == "=="
    assert isinstance(found.left, tree.Binary)
    assert found.left.op == "??"


@pytest.mark.parametrize("word", ["on", "after", "in", "if", "model", "send", "test", "policy"])
def test_keywords_are_free_as_parameters_and_fields(word: str) -> None:
    text = f"policy 1\nroute r GET /r {{\n    a.b c.{word} {word}=d.{word} as e\n    a.b {word}=1\n}}\n"
    assert parse(Source("x", text))[1] == []
