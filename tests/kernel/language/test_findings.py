"""How findings look, what the table of codes holds, and what was probably meant."""

from __future__ import annotations

import json

import pytest

from headgate.language.codes import CODES
from headgate.language.diagnostics import Diagnostic
from headgate.language.parse import parse
from headgate.language.render import render, to_json
from headgate.language.source import Source, Span
from headgate.language.suggest import suggest

ORDERS = Source("orders.policy", "policy 1\nroute a GET /a {\n\tforward orders timeout=2s\n}\n")


def test_a_finding_shows_line_carets_cause_and_mend() -> None:
    finding = Diagnostic(
        "E501",
        "a request can reach `forward orders` without `auth`",
        Span("orders.policy", 3, 2, 3, 9),
        "`auth` does not hold on every path to here",
        ("a request that gets here: GET /a",),
        ("put an `auth.*` step above it",),
    )
    assert render([finding], {"orders.policy": ORDERS}) == (
        "error[E501]: a request can reach `forward orders` without `auth`\n"
        " --> orders.policy:3:2\n"
        "  |\n"
        "3 |     forward orders timeout=2s\n"
        "  |     ^^^^^^^ `auth` does not hold on every path to here\n"
        "  = note: a request that gets here: GET /a\n"
        "  = help: put an `auth.*` step above it"
    )


def test_a_place_over_several_lines_shows_its_first_and_last() -> None:
    finding = Diagnostic("E202", "nothing answers here", Span("orders.policy", 2, 1, 4, 2), severity="warning")
    assert render([finding], {"orders.policy": ORDERS}) == (
        "warning[E202]: nothing answers here\n"
        " --> orders.policy:2:1\n"
        "  |\n"
        "2 | route a GET /a {\n"
        "  | ^^^^^^^^^^^^^^^^\n"
        "...\n"
        "4 | }\n"
        "  | ^"
    )


def test_a_file_that_is_not_at_hand_is_only_named() -> None:
    finding = Diagnostic("E001", "no", Span("other.policy", 7, 3, 7, 4))
    assert render([finding], {}) == "error[E001]: no\n --> other.policy:7:3"


def test_colour_changes_no_letter() -> None:
    finding = Diagnostic("E001", "no", Span("orders.policy", 2, 1, 2, 6), "here", ("n",), ("h",))
    painted = render([finding], {"orders.policy": ORDERS}, color=True)
    assert "\x1b[1;31merror[E001]\x1b[0m" in painted
    plain = "".join(part.partition("m")[2] if at else part for at, part in enumerate(painted.split("\x1b[")))
    assert plain == render([finding], {"orders.policy": ORDERS})


def test_json_holds_the_whole_finding() -> None:
    span = Span("orders.policy", 2, 1, 2, 6)
    (found,) = json.loads(to_json([Diagnostic("E001", "no", span, "here", ("n",), ("h",), ((span, "there"),))]))
    place = {"file": "orders.policy", "line": 2, "column": 1, "end_line": 2, "end_column": 6}
    rest = {"code": "E001", "severity": "error", "message": "no", "label": "here", "notes": ["n"], "helps": ["h"]}
    assert found == place | rest | {"related": [place | {"message": "there"}]}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("audiense", "audience"),
        ("isuser", "issuer"),
        ("Leeway", "leeway"),
        ("lee_way", "leeway"),
        ("x", None),
        ("token", None),
    ],
)
def test_the_nearest_name_is_suggested(name: str, meant: str | None) -> None:
    assert suggest(name, ["audience", "issuer", "leeway"]) == meant


def reads(text: str) -> bool:
    """Whether an example reads as items, or as the lines of a route or of a test."""
    wraps = ("policy 1\n{}\n", "policy 1\nroute r GET /r {{\n{}\n}}\n", 'policy 1\ntest "t" {{\n{}\n}}\n', "{}\n")
    return any(not parse(Source("x", wrap.format(text)))[1] for wrap in wraps)


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_with_an_example_that_reads(code: str) -> None:
    entry = CODES[code]
    assert entry.title
    assert entry.explanation.endswith(".")
    assert (entry.bad == entry.good) is bool(entry.settings)
    assert reads(entry.good)


@pytest.mark.parametrize("code", ["E001", "E020", "E021", "E022", "E403", "E405"])
def test_the_bad_example_of_a_syntax_code_is_refused(code: str) -> None:
    assert not reads(CODES[code].bad)
