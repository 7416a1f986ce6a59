"""`log.call`: what it puts into a row, seen through policies as they are served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headgate.api import BytesBody, Exchange
from headgate.contracts.node import Node
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.language.render import render
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate_log import Log
from headgate_log.calls import OWN, Kept, log_call
from headgate_sqlite.migrations import CALL_COLUMNS

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "plugins/headgate_log/example.policy"


def rehearsed(path: Path) -> int:
    """The tests of a policy pass; how many there are."""
    plugins = load_plugins([("log", Log)], discover=False)
    assert not plugins.broken
    reading = read_policies(path, plugins.vocabulary)
    assert not reading.checked.findings, render(reading.checked.findings, reading.sources)
    outcomes = rehearse_in_thread(compile_policies(reading), lambda node: [])
    findings = [outcome.finding for outcome in outcomes if outcome.finding]
    assert not findings, render(findings, reading.sources)
    return len(outcomes)


def test_the_example_holds() -> None:
    assert rehearsed(EXAMPLE) == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "log.call body=response max=4B",
            'logged["response_body"] == "Hell" and logged["response_body_truncated"] == 6',
        ),
        ("log.call body=request", 'logged["request_body"] == "ping" and logged["response_body"] is absent'),
        ("log.call body=both", 'logged["request_body"] == "ping" and logged["response_body"] == "Hello."'),
        ("log.call durable=true", 'logged["outcome"] == "ok"'),
        ("log.call durable=true body=response", 'logged["response_body"] == "Hello."'),
        ("log.call fields={status: 1}", 'logged["field.status"] == 1 and logged["status"] == 200'),
        (
            "log.call body=request fields={request_body: 1, response_body_truncated: 2}",
            'logged["request_body"] == "ping" and logged["field.request_body"] == 1 and logged["field.response_body_truncated"] == 2',
        ),
    ],
)
def test_what_a_row_holds(tmp_path: Path, line: str, expected: str) -> None:
    text = f"""policy 1
route hi POST /hi public {{
    {line}
    respond 200 text="Hello."
}}
test "a row" {{
    send POST /hi body="ping"
    expect response.text == "Hello."
    expect {expected}
}}
"""
    path = tmp_path / "a.policy"
    path.write_text(text)
    assert rehearsed(path) == 1


def _exchange() -> Exchange:
    request = type("R", (), {"body": BytesBody(b"ping"), "method": "POST", "path": "/"})()
    return Exchange(request, None, None, started=0.0, started_at=0.0)  # type: ignore[arg-type]


def test_in_finally_no_body_is_promised() -> None:
    ctx = _exchange()
    ctx.head_sent = True
    log_call(ctx, body="response", fields={"a": 1})
    assert ctx.filters is None
    assert ctx.log == {"a": 1}


def test_a_body_is_kept_up_to_its_bound_and_passed_on_whole() -> None:
    ctx, kept = _exchange(), Kept("response_body", 5)
    passed = [kept.pass_on(ctx, piece, False) for piece in (b"abc", b"defg", b"h")] + [kept.pass_on(ctx, b"", True)]
    assert b"".join(passed) == b"abcdefgh"
    assert ctx.log == {"response_body": "abcde", "response_body_truncated": 8}


def test_a_rehearsal_prints_nothing() -> None:
    node = Node(None, None, None, None, rehearsing=True)  # type: ignore[arg-type]
    assert Log().open_resources(settings=None, node=node) is None
    assert Log().register_sinks(settings=None, node=node) == []


def test_what_a_row_has_a_column_for_is_no_field_of_a_policy() -> None:
    assert CALL_COLUMNS.keys() <= OWN


def test_what_is_noted_in_a_row_is_no_field_of_a_policy() -> None:
    sources = [
        file.read_text(encoding="utf-8") for room in ("kernel", "plugins") for file in (ROOT / room).rglob("*.py")
    ]
    noted = {name for text in sources for name in re.findall(r'\b(?:ctx|x)\.note\(\s*"(\w+)"', text)}
    assert noted > {"missed", "model_asked", "close_code"}
    assert noted <= OWN
