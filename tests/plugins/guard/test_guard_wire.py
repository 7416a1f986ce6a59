"""Guards of a route over real sockets: what the provider sees, and what the client gets, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio

from headgate.testing import Wire, open_gate, reply
from headgate_openai.chat.reader import ChunkReader

JSON = [(b"content-type", b"application/json")]
REDACT = "pii.redact chat.messages kinds=[email, phone, card] restore=true"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def asks(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": text}], **more}


def says(message: Any) -> Any:
    message = {"role": "assistant", "content": message} if isinstance(message, str) else message
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "new": [1.0]}
    return reply(200, json.dumps(answer, indent=1).encode(), JSON)


def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def told(*deltas: dict[str, Any] | str) -> list[bytes]:
    blocks = [chunk({"role": "assistant", "content": ""})]
    blocks += [chunk({"content": delta} if isinstance(delta, str) else delta) for delta in deltas]
    return [*blocks, chunk({}, "stop"), b"data: [DONE]\n\n"]


def framed(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def streams(*blocks: bytes) -> Any:
    async def script(wire: Wire) -> None:
        while await wire.request() is not None:
            await wire.send(HEAD)
            for block in blocks:
                await wire.send(framed(block))
            await wire.send(b"0\r\n\r\n")

    return script


def words(body: bytes) -> str:
    """The text of a stream, as its client has it."""
    said = [one for _, happenings in ChunkReader().feed(body) for one in happenings]
    return "".join(getattr(one, "text", "") for one in said)


async def test_the_provider_sees_names_and_the_client_its_own_values(guarded: Any) -> None:
    async with guarded(REDACT, says("Wrote to <EMAIL_1>; <EMAIL_2> is not mine.")) as g:
        body = asks("Write to ana@example.com, ring +49 30 1234567.", new_field={"x": [1.0, 2]})
        body["messages"].insert(
            0, {"role": "system", "content": [{"type": "text", "text": "Ünï", "cache_control": {"a": 1.0}}]}
        )
        status, answer, _ = await g.post(body)
        assert status == 200
        assert json.loads(answer)["choices"][0]["message"]["content"] == (
            "Wrote to ana@example.com; <EMAIL_2> is not mine."
        )
        sent = json.loads(g.provider.received[0].body)
        assert sent["messages"][1]["content"] == "Write to <EMAIL_1>, ring <PHONE_1>."
        assert {**sent, "messages": [*sent["messages"][:1], body["messages"][1]]} == body
        assert b'{"x": [1.0, 2]}' in g.provider.received[0].body


async def test_where_nothing_is_found_both_bodies_pass_byte_by_byte(guarded: Any) -> None:
    script = says("Hello <EMAIL_1>, not <yours>.")
    async with guarded(f"{REDACT}\n    guard.answer deny=['zeus']\n    pii.answers kinds=[email]", script) as g:
        body = json.dumps(asks("Hello"), indent=3).encode()
        _, answer, _ = await g.post(body)
        assert g.provider.received[0].body == body
        assert answer.startswith(b'{\n "id": "c"')


TOLD = told("Wrote ", "to <EM", "AIL_1> ", "now.")


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
async def test_a_name_comes_back_on_a_stream_wherever_it_is_cut(guarded: Any, size: int) -> None:
    data = b"".join(TOLD)
    async with guarded(REDACT, streams(*[data[at : at + size] for at in range(0, len(data), size)])) as g:
        status, body, whole = await g.post(asks("To ana@example.com", stream=True))
        assert (status, whole) == (200, True)
        assert words(body) == "Wrote to ana@example.com now."


async def test_blocks_that_hold_nothing_pass_as_they_came(guarded: Any) -> None:
    async with guarded(REDACT, streams(*TOLD)) as g:
        _, body, _ = await g.post(asks("To ana@example.com", stream=True))
        assert body.startswith(TOLD[0] + TOLD[1])
        assert body.endswith(TOLD[4] + TOLD[5] + TOLD[6])


async def test_the_arguments_of_a_tool_call_have_the_value_as_json(guarded: Any) -> None:
    def call(arguments: str, **more: Any) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "function": {"arguments": arguments, **more.pop("function", {})}, **more}]}

    blocks = told(
        call("", id="c1", type="function", function={"name": "mail"}),
        call('{"to": "\\u003cEMA'),
        call('IL_1>", "n": 1}'),
    )
    async with guarded(REDACT, streams(*blocks)) as g:
        _, body, _ = await g.post(asks("To ana@example.com", stream=True))
        assert json.loads(words(body)) == {"to": "ana@example.com", "n": 1}


async def test_what_cannot_be_part_of_a_find_does_not_wait(guarded: Any) -> None:
    more = trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD)
        for block in told("Hello <b>there</b>, <EM")[:2]:
            await wire.send(framed(block))
        await more.wait()
        for block in told("AIL_1>!")[1:]:
            await wire.send(framed(block))
        await wire.send(b"0\r\n\r\n")

    async with guarded(REDACT, script) as g:
        data = json.dumps(asks("To ana@example.com", stream=True)).encode()
        async with await g.open(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data)
        ) as stream:
            came = b""
            with trio.fail_after(5):
                while b"there</b>, " not in came:
                    came += await stream.receive_some()
                assert b"<EM" not in came
                more.set()
                while b"[DONE]" not in came:
                    came += await stream.receive_some()
            assert b"ana@example.com" in came


async def test_a_stream_that_says_what_it_may_not_is_stopped_in_the_clients_dialect(guarded: Any) -> None:
    line = """guard.answer deny=['sk-[a-z]{8,20}'] name="leaks\""""
    async with guarded(line, streams(*told("The key ", "is sk-ab", "cdefgh", "ijk. ", "Bye"))) as g:
        status, body, whole = await g.post(asks("Hi", stream=True))
        assert (status, whole) == (200, False)
        assert b"The key " in body
        assert b"sk-" not in body
        error = json.loads(body.rsplit(b"data: ", 1)[1])["error"]
        assert error["message"] == "The guard `leaks` does not let this pass (answer)."
        assert (error["code"], g.seen[0].outcome) == ("guard_blocked", "cut")


async def test_a_stream_that_says_it_at_once_is_refused_before_its_head(guarded: Any) -> None:
    async with guarded("guard.answer deny=['zeus']", streams(*told("zeus", " it is"))) as g:
        status, body, _ = await g.post(asks("Hi", stream=True))
        assert (status, json.loads(body)["error"]["code"]) == (400, "guard_blocked")


async def test_what_is_masked_on_a_stream_is_not_in_it(guarded: Any) -> None:
    async with guarded("guard.answer deny=['zeus'] action=mask", streams(*told("Ask ze", "us ", "or zebra", "."))) as g:
        _, body, whole = await g.post(asks("Hi", stream=True))
        assert whole
        assert words(body) == "Ask [removed] or zebra."


async def test_what_the_model_brings_up_is_named_and_what_the_client_did_comes_back(guarded: Any) -> None:
    script = streams(*told("<EMA", "IL_1> and bo@", "example.org."))
    for lines in (f"{REDACT}\n    pii.answers kinds=[email]", f"pii.answers kinds=[email]\n    {REDACT}"):
        async with guarded(lines, script) as g:
            _, body, _ = await g.post(asks("I am ana@example.com", stream=True))
            assert words(body) == "ana@example.com and <EMAIL_2>."


async def test_a_stream_that_is_no_json_ends_with_an_error(guarded: Any) -> None:
    async with guarded("guard.json", streams(*told('{"a"', ": 1"))) as g:
        _, body, whole = await g.post(asks("Hi", stream=True))
        assert not whole
        assert b"ai_bad_output" in body.rsplit(b"data: ", 1)[1]
    async with guarded("guard.json", streams(*told('{"a"', ": 1}"))) as g:
        _, body, whole = await g.post(asks("Hi", stream=True))
        assert whole


async def test_an_answer_that_is_not_of_the_type_is_refused_and_a_stream_of_it_ends_with_an_error() -> None:
    policy = """policy 1
type Mood { label: "good" | "bad" }
model echo { provider = echo, name = "echo-1" }
route chat POST /v1/chat/completions public { read.chat as chat
 guard.schema Mood
 ai.chat echo
}
"""
    async with open_gate(policy) as gate:
        whole = await gate.send("POST", "/v1/chat/completions", json_body=asks("Hi"))
        assert (whole.status, whole.json()["error"]["code"]) == (502, "ai_bad_output")


async def test_two_clients_whose_chats_look_alike_without_their_names_get_their_own_names_back() -> None:
    policy = """policy 1
model echo { provider = echo, name = "echo-1" }
route chat POST /v1/chat/completions public { read.chat as chat
 pii.redact chat.messages kinds=[email] restore=true
 cache.exact ttl=1m by=[chat] { ai.chat echo }
}
"""
    async with open_gate(policy) as gate:
        for name in ("ana@example.com", "bo@example.org", "ana@example.com"):
            answer = await gate.send("POST", "/v1/chat/completions", json_body=asks(f"I am {name}"))
            assert name in answer.json()["choices"][0]["message"]["content"]
        assert [row["cache"] for row in gate.rows] == ["miss", "miss", "hit"]


async def test_a_refusal_and_the_log_tell_nothing_of_what_was_found(guarded: Any) -> None:
    async with guarded("guard.pattern chat.messages deny=['hunter2']", says("Hi")) as g:
        _, body, _ = await g.post(asks("My password is hunter2"))
        assert b"hunter2" not in body
        assert json.loads(body)["error"]["message"] == "The guard `guard.pattern` does not let this pass (messages[0])."
        assert g.provider.received == []
    async with guarded(REDACT, says("Hi")) as g:
        await g.post(asks("ana@example.com bo@example.org"))
        assert g.seen[0].log["redacted"] == {"email": 2}
