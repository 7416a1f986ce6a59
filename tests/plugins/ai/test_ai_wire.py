"""OpenAI's own client in front, a scripted provider behind, real sockets between them."""

from __future__ import annotations

import json
import threading
from typing import Any

import openai
import pytest
import trio

from headgate.api import Money
from headgate.testing import Wire, answer, hangs, reply, resets
from headgate_ai.reading import LARGE_BYTES
from headgate_openai import chat as openai_chat

ANSWER = {
    "id": "chatcmpl-9",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4.1-2025-04-14",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello ä."}, "logprobs": None, "finish_reason": "stop"}
    ],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 0},
    },
}
JSON = [(b"content-type", b"application/json"), (b"x-request-id", b"req_p"), (b"openai-organization", b"org-secret")]
TEXTS = ["Hel", "lo ", "ä", ' {"usage": null} "', "."]
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def answers(value: Any = ANSWER, status: int = 200, headers: Any = JSON) -> Any:
    return reply(status, value if isinstance(value, bytes) else json.dumps(value).encode(), headers)


def chunk(delta: dict[str, Any], reason: str | None = None, **extra: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **extra}
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def stream(texts: list[str] = TEXTS, *, counts: bool = True, done: bool = True) -> list[bytes]:
    """What OpenAI sends, in the pieces in which it sends it."""
    extra = {"usage": None} if counts else {}
    blocks = [chunk({"role": "assistant", "content": ""}, **extra)]
    blocks += [chunk({"content": text}, **extra) for text in texts]
    if done:
        blocks.append(chunk({}, "stop", **extra))
        if counts:
            last = {
                "id": "c",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "m",
                "choices": [],
                "usage": USAGE,
            }
            blocks.append(b"data: " + json.dumps(last).encode() + b"\n\n")
        blocks.append(b"data: [DONE]\n\n")
    return blocks


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


def framed(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def streams(pieces: list[bytes], *, ends: bool = True) -> Any:
    """A script that streams these pieces; without `ends` it breaks the connection behind them."""

    async def script(wire: Wire) -> None:
        while await wire.request() is not None:
            await wire.send(HEAD)
            for piece in pieces:
                await wire.send(framed(piece))
            if not ends:
                return
            await wire.send(b"0\r\n\r\n")

    return script


async def posted(port: int, body: Any) -> trio.SocketStream:
    """A connection on which this was posted."""
    data = json.dumps(body).encode()
    client = await trio.open_tcp_stream("127.0.0.1", port)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(data)
    await client.send_all(head + data)
    return client


async def raw(port: int, body: Any, path: bytes = b"/v1/chat/completions") -> tuple[bytes, bytes]:
    """Head and body as they come over the wire; the body unframed as far as it is framed."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = b"POST %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (path, len(data))
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        await connection.send_all(head + data)
        came = b""
        while piece := await connection.receive_some():
            came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head:
        return head, body
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return head, whole


CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]}


# --- whole answers ----------------------------------------------------------------------------------------------------


async def test_a_chat_is_answered_counted_and_priced(gateway: Any) -> None:
    async with gateway(answers()) as g:
        answer = await g.call(model="auto")
        assert answer.choices[0].message.content == "Hello ä."
        ctx = await g.over()
        assert (ctx.usage.input_tokens, ctx.usage.cached_tokens, ctx.usage.reasoning_tokens) == (1000, 600, 40)
        assert ctx.usage.cost == Money(400 * 2000 + 600 * 500 + 100 * 8000)
        assert not ctx.usage.estimated
        assert (ctx.served.model, ctx.served.provider) == ("gpt-4.1", "openai")
        assert [attempt.result for attempt in ctx.served.attempts] == ["ok"]
        assert ctx.log["model_asked"] == "auto"


async def test_of_a_model_that_is_named_at_length_the_row_keeps_a_part(gateway: Any) -> None:
    async with gateway(answers()) as g:
        await g.call(model="a" * 5000)
        assert (await g.over()).log["model_asked"] == "a" * 200


@pytest.mark.parametrize(("filling", "in_loop"), [(10, True), (LARGE_BYTES, False)])
async def test_a_large_body_is_not_read_in_the_loop(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, filling: int, in_loop: bool
) -> None:
    threads = []

    read = openai_chat.read

    def watched(data: bytes) -> Any:
        threads.append(threading.current_thread())
        return read(data)

    monkeypatch.setattr(openai_chat, "read", watched)
    async with gateway(answers()) as g:
        answer = await g.call(messages=[{"role": "user", "content": "a" * filling}])
    assert answer.choices[0].message.content == "Hello ä."
    assert [thread is threading.current_thread() for thread in threads] == [in_loop]


async def test_a_body_that_nests_deeply_is_answered_or_refused(gateway: Any) -> None:
    for depth in (100, 400, 900, 960, 990, 5000):
        async with gateway(answers()) as g:
            nested = b"[" * depth + b"]" * depth
            head, _ = await raw(g.port, b'{"model":"a","messages":[{"role":"user"}],"x":' + nested + b"}")
            assert head[9:12] in (b"200", b"400"), (depth, head)


async def test_only_the_model_is_changed_and_nothing_of_the_client_travels(gateway: Any) -> None:
    body = b'{ "model":"auto",  "messages" : [ {"role":"user","content":"\\u00e4 "} ],\n"temperature": 1e0, "x_new":{"b":1,"a":[ ]}}'
    async with gateway(answers()) as g:
        await raw(g.port, body)
        sent = g.provider.received[0]
        assert sent.body == (
            b'{"model":"gpt-4.1","messages":[ {"role":"user","content":"\\u00e4 "} ],"temperature":1e0,"x_new":{"b":1,"a":[ ]}}'
        )
        assert sent.path == "/v1/chat/completions"


async def test_a_body_that_nobody_changed_is_not_touched(gateway: Any) -> None:
    body = b'{ "messages" : [ {"role":"user","content":"Hi"} ],\n "model":"gpt-4.1" }'
    async with gateway(answers()) as g:
        await raw(g.port, body)
        assert g.provider.received[0].body == body


async def test_the_provider_gets_its_key_and_no_line_of_the_client(gateway: Any) -> None:
    async with gateway(answers()) as g:
        await g.call(extra_headers={"cookie": "a=b", "x-forwarded-for": "1.2.3.4", "openai-organization": "mine"})
        names = {name for name, _ in g.provider.received[0].headers}
        assert names == {
            b"host", b"content-type", b"accept", b"accept-encoding", b"user-agent", b"authorization", b"content-length",
        }  # fmt: skip
        assert g.provider.received[0].headers.get(b"authorization") == b"Bearer sk-the-providers-key"
        assert g.provider.received[0].headers.get(b"accept-encoding") == b"identity"


async def test_of_the_providers_answer_only_the_type_and_its_id_are_told(gateway: Any) -> None:
    async with gateway(answers()) as g:
        head, body = await raw(g.port, CHAT)
        names = {line.split(b":")[0] for line in head.split(b"\r\n")[1:]}
        assert names == {
            b"content-type",
            b"content-length",
            b"x-upstream-request-id",
            b"x-request-id",
            b"date",
            b"connection",
        }
        assert json.loads(body) == ANSWER


# --- streams ----------------------------------------------------------------------------------------------------------


async def test_a_stream_comes_through_counted_and_the_client_sees_no_counts(gateway: Any) -> None:
    async with gateway(streams(stream())) as g:
        chunks = await g.call(stream=True)
        assert [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content] == TEXTS
        assert all(c.usage is None for c in chunks)
        assert all(c.choices for c in chunks)
        ctx = await g.over()
        assert (ctx.usage.input_tokens, ctx.usage.output_tokens, ctx.usage.estimated) == (10, 5, False)
        assert ctx.outcome == "ok"
        assert ctx.log["ttft_s"] > 0
        assert json.loads(g.provider.received[0].body)["stream_options"] == {"include_usage": True}


async def test_hidden_counts_leave_the_stream_that_was_asked_for(gateway: Any) -> None:
    async with gateway(streams(stream())) as g:
        _, body = await raw(g.port, {**CHAT, "stream": True})
        assert body == b"".join(stream(counts=False))


async def test_a_client_that_asks_for_counts_gets_the_stream_as_it_is(gateway: Any) -> None:
    async with gateway(streams(stream())) as g:
        _, body = await raw(g.port, {**CHAT, "stream": True, "stream_options": {"include_usage": True}})
        assert body == b"".join(stream())
        chunks = await g.call(stream=True, stream_options={"include_usage": True})
        assert chunks[-1].usage.total_tokens == 15
        assert (await g.over(2)).usage.output_tokens == 5


async def test_counts_in_the_last_chunk_of_content_are_taken_out_of_it(gateway: Any) -> None:
    pieces = [chunk({"content": "Hi"}), chunk({}, "stop", usage=USAGE), b"data: [DONE]\n\n"]
    async with gateway(streams(pieces)) as g:
        _, body = await raw(g.port, {**CHAT, "stream": True})
        assert body == b"".join([chunk({"content": "Hi"}), chunk({}, "stop"), b"data: [DONE]\n\n"])
        assert (await g.over()).usage.output_tokens == 5


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
async def test_every_split_of_a_stream_gives_the_same_stream(gateway: Any, line_end: bytes) -> None:
    blocks = [b": hello\n\n", *stream(["Hi"])]
    whole = b"".join(blocks).replace(b"\n", line_end)
    expected = b"".join([b": hello\n\n", *stream(["Hi"], counts=False)]).replace(b"\n", line_end)
    places = iter(range(1, len(whole), 7))

    async def script(wire: Wire) -> None:
        while await wire.request() is not None:
            at = next(places, 1)
            await wire.send(HEAD)
            await wire.send(framed(whole[:at]))
            await trio.lowlevel.checkpoint()
            await wire.send(framed(whole[at:]) + b"0\r\n\r\n")

    async with gateway(script) as g:
        for _ in range(1, len(whole), 7):
            _, body = await raw(g.port, {**CHAT, "stream": True})
            assert body == expected


async def test_a_stream_byte_by_byte_is_the_same_stream(gateway: Any) -> None:
    whole = b"".join(stream(["Hi"]))
    async with gateway(streams([whole[at : at + 1] for at in range(len(whole))])) as g:
        _, body = await raw(g.port, {**CHAT, "stream": True})
        assert body == b"".join(stream(["Hi"], counts=False))


async def test_an_event_goes_out_when_it_comes(gateway: Any) -> None:
    first, *rest = stream(["Hi"])
    seen = trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD + framed(first) + framed(rest[0]))
        await seen.wait()
        await wire.send(b"".join(map(framed, rest[1:])) + b"0\r\n\r\n")

    async with gateway(script) as g, await posted(g.port, {**CHAT, "stream": True}) as client:
        came = b""
        with trio.fail_after(5):
            while b'"Hi"' not in came:
                came += await client.receive_some()
            seen.set()
            while b"[DONE]" not in came:
                came += await client.receive_some()


@pytest.mark.parametrize("ends", [True, False])
async def test_a_stream_that_dies_tells_the_client_and_is_counted_from_what_came(gateway: Any, ends: bool) -> None:
    pieces = [*stream(["Hello, ", "world and all the others"], done=False), b'data: {"half":']
    async with gateway(streams(pieces, ends=ends)) as g:
        with pytest.raises(openai.APIError, match=r"The model broke off its answer\.") as caught:
            await g.call(stream=True)
        assert type(caught.value) is openai.APIError
        ctx = await g.over()
        assert ctx.outcome == "cut"
        assert ctx.usage.estimated
        assert ctx.usage.output_tokens == 8
        assert ctx.usage.cost
        assert '"half"' not in str(caught.value)


async def test_an_event_without_end_is_the_providers_fault_and_the_row_says_so(gateway: Any) -> None:
    flood = [b"data: " + b"x" * (4 << 20)] + [b"x" * (4 << 20)] * 4
    async with gateway(streams([*stream(["Hello"], done=False), *flood], ends=False)) as g:
        with pytest.raises(openai.APIError, match=r"The model broke off its answer\."):
            await g.call(stream=True)
        ctx = await g.over()
        assert ctx.outcome == "cut"
        assert "answered an event of more than 16777216 bytes" in str(ctx.failure)


async def test_a_cut_stream_has_the_error_event_and_no_end(gateway: Any) -> None:
    async with gateway(streams(stream(["Hi"], done=False))) as g:
        async with await posted(g.port, {**CHAT, "stream": True}) as client:
            came = b""
            while piece := await client.receive_some():
                came += piece
        assert b'data: {"error":{"message":"The model broke off its answer.","type":"server_error"' in came
        assert not came.endswith(b"0\r\n\r\n")


async def test_an_error_before_the_first_content_is_an_error_answer(gateway: Any) -> None:
    pieces = [b": ping\n\n", b'data: {"error":{"message":"overloaded","code":"busy"}}\n\n']
    async with gateway(streams(pieces)) as g:
        with pytest.raises(openai.InternalServerError):
            await g.call(stream=True)
        over = await g.over()
        assert over.usage.estimated, "it was taken on, and nobody said what became of it"
        assert over.usage.output_tokens == 0
        assert "overloaded" in str(over.failure)


async def test_an_error_event_in_mid_stream_is_passed_on_and_the_stream_cut(gateway: Any) -> None:
    refusal = b'data: {"error":{"message":"out of memory with sk-the-providers-key"}}\n\n'
    seen = trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD + b"".join(map(framed, stream(["Hi"], done=False))))
        await seen.wait()
        await wire.send(framed(refusal))
        await hangs(wire)

    async with gateway(script) as g, await posted(g.port, {**CHAT, "stream": True}) as client:
        came = b""
        while piece := await client.receive_some():
            came += piece
            if b'"Hi"' in came:
                seen.set()
        assert "out of memory with …".encode() in came
        assert b"sk-the-providers-key" not in came
        assert (await g.over()).outcome == "cut"


async def test_what_the_model_says_is_never_taken_for_counts_or_errors(gateway: Any) -> None:
    texts = ['{"error": {"message": "no"}}', ', "usage": null', '"usage":{"prompt_tokens":9}', "data: [DONE]"]
    async with gateway(streams(stream(texts))) as g:
        chunks = await g.call(stream=True)
        assert [c.choices[0].delta.content for c in chunks if c.choices[0].delta.content] == texts
        assert (await g.over()).usage.input_tokens == 10


async def test_a_client_that_hangs_up_cancels_the_call(gateway: Any) -> None:
    gone = trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD + b"".join(map(framed, stream(["some words", " and more"], done=False))))
        while await wire.receive():
            pass
        gone.set()

    async with gateway(script) as g:
        async with await posted(g.port, {**CHAT, "stream": True}) as client:
            came = b""
            while b"and more" not in came:
                came += await client.receive_some()
        with trio.fail_after(5):
            await gone.wait()
        ctx = await g.over()
        assert ctx.outcome == "client_gone"
        assert ctx.usage.estimated
        assert ctx.usage.output_tokens == 5


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (400, openai.BadRequestError, 400),
        (422, openai.UnprocessableEntityError, 422),
        (429, openai.RateLimitError, 429),
        (401, openai.InternalServerError, 502),
        (404, openai.InternalServerError, 502),
        (500, openai.InternalServerError, 502),
        (503, openai.InternalServerError, 502),
    ],
)
async def test_the_providers_status_is_the_clients_where_it_can_mend_it(
    gateway: Any, status: int, error: type[openai.APIStatusError], told: int
) -> None:
    said = {"error": {"message": "Too long.", "type": "t", "param": "messages", "code": "context_length_exceeded"}}
    async with gateway(answers(said, status, [*JSON, (b"retry-after", b"7")])) as g:
        with pytest.raises(error) as caught:
            await g.call()
        assert caught.value.status_code == told
        assert caught.value.response.headers["retry-after"] == "7"
        ctx = await g.over()
        assert ctx.failure.record["upstream_status"] == status
        assert ctx.served.attempts[0].result == str(status)
        if status != 401:
            assert "Too long." in str(caught.value)
            assert caught.value.code == "context_length_exceeded"
            assert caught.value.param == "messages"


async def test_a_provider_that_repeats_its_key_does_not_tell_it_to_the_client(gateway: Any) -> None:
    said = {"error": {"message": "Odd key sk-the-providers-key, that."}}
    async with gateway(answers(said, 400), answers(said, 401)) as g:
        for _ in range(2):
            with pytest.raises(openai.APIStatusError) as caught:
                await g.call()
            assert "sk-the-providers-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (answers(b"<html>oops</html>", 200), "no chat completion in JSON"),
        (answers(b"", 200), "an empty body"),
        (answers({"hello": 1}), "no `choices`"),
        (answers(b"<html>oops</html>", 500), "status 500"),
        (streams(stream()), "asked for a whole answer and gave a stream"),
        (resets, "127.0.0.1"),
    ],
)
async def test_what_is_no_answer_is_a_failure_of_the_provider(gateway: Any, script: Any, says: str) -> None:
    async with gateway(script) as g:
        with pytest.raises(openai.InternalServerError) as caught:
            await g.call()
        assert caught.value.type == "server_error"
        failure = (await g.over()).failure
        assert says in str(failure)
        if failure.kind != "upstream.status":
            assert says not in str(caught.value), "a client learns where the provider is, or what its parser said"


async def test_a_stream_that_was_asked_for_and_is_none_is_a_failure(gateway: Any) -> None:
    async with gateway(answers()) as g:
        with pytest.raises(openai.InternalServerError):
            await g.call(stream=True)
        assert "asked for a stream and gave none" in str((await g.over()).failure)


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_provider_that_says_nothing_is_late(gateway: Any, streaming: bool) -> None:
    async with gateway(hangs, lines="ai.chat gpt timeout=100ms") as g:
        with pytest.raises(openai.InternalServerError) as caught:
            await g.call(stream=streaming)
        assert caught.value.status_code == 504


async def test_a_stream_without_content_is_late(gateway: Any) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(HEAD + framed(b": ping\n\n") + framed(chunk({"role": "assistant", "content": ""})))
        await hangs(wire)

    async with gateway(script, lines="ai.chat gpt timeout=150ms") as g:
        with pytest.raises(openai.InternalServerError) as caught:
            await g.call(stream=True)
        assert caught.value.status_code == 504
        assert "did not answer within" in str((await g.over()).failure)


async def test_without_a_key_nothing_is_sent(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_TEST_KEY", "")
    async with gateway(answers()) as g:
        with pytest.raises(openai.InternalServerError) as caught:
            await g.call()
        assert caught.value.status_code == 503
        assert "set AI_TEST_KEY" in str((await g.over()).failure)
        assert g.provider.opened == 0


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('require chat.model == "none" else 401 "No."', openai.AuthenticationError),
        ('require chat.model == "none" else 403 "No."', openai.PermissionDeniedError),
        ('require chat.model == "none" else 404 "No."', openai.NotFoundError),
        ('require chat.model == "none" else 429 "No."', openai.RateLimitError),
        ('require chat.model == "none" else 500 "No."', openai.InternalServerError),
    ],
)
async def test_the_policys_own_refusals_are_openais_exceptions(
    gateway: Any, line: str, error: type[openai.APIStatusError]
) -> None:
    async with gateway(answers(), lines=f"{line}\n ai.chat gpt") as g:
        with pytest.raises(error, match=r"No\."):
            await g.call()


async def test_a_malformed_request_is_a_bad_request_with_its_place(gateway: Any) -> None:
    async with gateway(answers()) as g:
        with pytest.raises(openai.BadRequestError, match=r"messages\[1\]") as caught:
            await g.call(messages=[{"role": "user", "content": "Hi"}, {"content": "no role"}])
        assert caught.value.param == "messages[1].role"
        assert caught.value.type == "invalid_request_error"


# --- the echo ---------------------------------------------------------------------------------------------------------


async def test_the_echo_needs_nobody(gateway: Any) -> None:
    async with gateway(answers()) as g:
        answer = await g.call("/echo/v1")
        assert answer.choices[0].message.content == 'You said: "Hi" Nice to hear from you!'
        chunks = await g.call("/echo/v1", stream=True, stream_options={"include_usage": True})
        said = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
        assert "".join(said) == answer.choices[0].message.content
        assert len(said) > 3
        assert chunks[-1].usage == answer.usage
        ctx = await g.over(2)
        assert ctx.usage.cost == Money(0)
        assert ctx.usage.total_tokens == answer.usage.total_tokens
        assert g.provider.opened == 0


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"]
)
async def test_a_client_that_goes_before_its_answer_leaves_nothing_open(gateway: Any, sent: bytes) -> None:
    came, gone = trio.Event(), trio.Event()

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(sent)
        came.set()
        while await wire.receive():
            pass
        gone.set()

    async with gateway(script) as g:
        async with await posted(g.port, CHAT):
            await came.wait()
        with trio.fail_after(5):
            await gone.wait()
        ctx = await g.over()
        assert (ctx.outcome, ctx.usage.estimated) == ("client_gone", True)
        assert [attempt.result for attempt in ctx.served.attempts] == ["cut"]


async def test_connections_are_used_again_after_streams_and_answers(gateway: Any) -> None:
    async def script(wire: Wire) -> None:
        for _ in range(2):
            await wire.request()
            await wire.send(HEAD + b"".join(map(framed, stream())) + b"0\r\n\r\n")
            await wire.request()
            await wire.send(answer(200, json.dumps(ANSWER).encode(), JSON))

    async with gateway(script) as g:
        for streaming in (True, False, True, False):
            await g.call(stream=streaming)
        assert g.provider.opened == 1
