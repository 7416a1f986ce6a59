"""A model that judges: what it is given, what it may answer, and what happens when it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from headgate.api import UpstreamFault
from headgate.api.ai import Answer, Choice, Message, Text, filters_key
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.pipeline.rehearsal import build_findings
from headgate.testing import Wire
from headgate_ai import Ai
from headgate_guard import Guard
from headgate_guard.asking import _verdict, texts_of
from headgate_guard.pii import LARGE
from headgate_openai import OpenAi

ASK = 'guard.ask chat.messages model=gpt rule="No weapons." name="house"'


def judge(verdict: str | bytes | None, answer: str = "Fine.") -> Any:
    """A provider whose model says this when it judges, and something else when it answers. None: it hangs."""

    async def script(wire: Wire) -> None:
        while (request := await wire.request()) is not None:
            judges = b"You judge" in request.body
            if judges and verdict is None:
                await trio.sleep_forever()
            if judges and isinstance(verdict, bytes):
                await wire.send(verdict)
                continue
            said = verdict if judges else answer
            message = {"role": "assistant", "content": said}
            usage = {"prompt_tokens": 1000, "completion_tokens": 1, "total_tokens": 1001}
            body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()  # fmt: skip
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            await wire.send(head + body)

    return script


def asks(*texts: str) -> dict[str, Any]:
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": text} for text in texts]}


async def test_what_passes_is_answered_and_the_question_is_paid_for(guarded: Any) -> None:
    async with guarded(ASK, judge("PASS\n")) as g:
        status, body, _ = await g.post(asks("Hi", "Hi", "there"))
        assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, "Fine.")
        ctx = g.seen[0]
        assert [attempt.result for attempt in ctx.served.attempts] == ["ok", "ok"]
        assert ctx.usage.input_tokens == 2000
        judged = json.loads(g.provider.received[0].body)["messages"]
        assert json.loads(judged[1]["content"]) == ["Hi", "there"]
        assert "No weapons." in judged[0]["content"]


async def test_what_the_judge_blocks_is_refused(guarded: Any) -> None:
    async with guarded(ASK, judge("BLOCK")) as g:
        status, body, _ = await g.post(asks("Boom"))
        assert (status, json.loads(body)["error"]["code"]) == (400, "guard_blocked")
        assert len(g.provider.received) == 1


REFUSES = b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n"
NOT_JSON = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@pytest.mark.parametrize(("verdict", "kind"), [
    ("I think PASS", "ai.bad_output"), ("pass", "ai.bad_output"), ("PASS BLOCK", "ai.bad_output"), ("", "ai.bad_output"),
    (REFUSES, "upstream.status"), (NOT_JSON, "upstream.protocol"), (None, "upstream.timeout"),
])  # fmt: skip
async def test_no_verdict_is_no_pass_unless_the_line_says_so(guarded: Any, verdict: Any, kind: str) -> None:
    async with guarded(f"{ASK} timeout=200ms", judge(verdict)) as g:
        status, _, _ = await g.post(asks("Hi"))
        assert status in (502, 504)
        assert g.seen[0].failure.kind == kind
    async with guarded(f"{ASK} timeout=200ms fail=open", judge(verdict)) as g:
        status, _, _ = await g.post(asks("Hi"))
        assert status == 200
        assert g.seen[0].log["unjudged"] == {"guard": "house", "kind": kind}


@pytest.mark.parametrize("said", ["PASS.", "BLOCK PASS", "", "yes"])
def test_only_the_two_words_are_verdicts(said: str) -> None:
    with pytest.raises(UpstreamFault, match="no verdict"):
        _verdict(Answer([Choice([Text(said)])]), "g")


def test_the_judge_sees_every_text_once() -> None:
    assert texts_of([Message("user", [Text("a"), Text("b")], "n"), Message("user", [Text("a")])]) == ["n", "a", "b"]
    assert texts_of("a") == ["a"]
    assert texts_of({"x": ["a", 1, {"y": "b"}]}) == ["a", "b"]


# --- what an answer may be kept under --------------------------------------------------------------------------------


async def test_answers_with_different_values_in_them_have_different_keys(guarded: Any) -> None:
    lines = "pii.redact chat.messages kinds=[email] restore=true\n    pii.answers kinds=[email]"
    async with guarded(lines, judge("")) as g:
        for text in ("To ana@example.com", "To bo@example.org", "To ana@example.com", "To nobody"):
            await g.post(asks(text))
        ana, bo, again, nobody = (filters_key(ctx) for ctx in g.seen)
        assert ana == again
        assert len({ana, bo, nobody}) == 3
        assert nobody == b""
        sent = {request.body for request in g.provider.received[:3]}
        assert len(sent) == 1


async def test_a_large_request_is_looked_through_beside_the_loop(guarded: Any) -> None:
    async with guarded("pii.redact chat.messages kinds=[email]", judge("")) as g:
        status, _, _ = await g.post(asks("a b 1 " * LARGE + "ana@example.com"))
        assert status == 200
        assert json.loads(g.provider.received[0].body)["messages"][0]["content"].endswith("1 <EMAIL_1>")


# --- lines that cannot be ---------------------------------------------------------------------------------------------

POLICY = """policy 1
model gpt { provider = echo, name = "m" }
route r POST / public {
    read.chat as chat
    %s
    ai.chat gpt
}
"""


def refusal(folder: Path, line: str) -> tuple[str, str]:
    """Code and message of the first finding."""
    plugins = load_plugins([("ai", Ai), ("openai", OpenAi), ("guard", Guard)], discover=False)
    (folder / "a.policy").write_text(POLICY % line)
    reading = read_policies(folder, plugins.vocabulary)
    finding = (reading.checked.findings or build_findings(compile_policies(reading)))[0]
    return finding.code, finding.message


@pytest.mark.parametrize(("line", "said"), [
    ("pii.redact chat.messages kinds=[]", "`kinds` is empty"),
    ("guard.pattern chat.messages", "say what to look for"),
    ("guard.pattern chat.messages deny=['a(']", "is no pattern"),
    ("guard.pattern chat.messages allow=['a'] action=mask", "`allow` says of a whole text"),
    ("guard.answer deny=['a.*b']", "write {0,200} in place of `*`"),
    ("guard.answer deny=[]", "say what to look for"),
])  # fmt: skip
def test_a_line_that_cannot_guard_is_refused_when_it_loads(tmp_path: Path, line: str, said: str) -> None:
    code, message = refusal(tmp_path, line)
    assert code == "E114"
    assert said in message


@pytest.mark.parametrize(("line", "code"), [
    ("pii.redact chat.text kinds=[email]", "E101"), ("pii.redact chat.messages kinds=[mail]", "E107"),
    ('guard.ask chat.messages model="gpt" rule="x"', "E101"),
])  # fmt: skip
def test_a_line_that_makes_no_sense_is_a_finding(tmp_path: Path, line: str, code: str) -> None:
    assert refusal(tmp_path, line)[0] == code
