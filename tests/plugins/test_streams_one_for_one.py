"""Parallel tool calls on their way from one dialect to another: each piece goes out as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from every_dialect import CLIENTS, PROVIDERS

from headgate.api.ai import ArgumentsDelta, Began, Chat, Closed, Content, Garbled, Message, Opened, Text, ToolCall
from headgate_anthropic import writer
from headgate_gemini import writer as gemini_writer

CHAT = Chat.made("m", Content([Message("user", [Text("Hi")])]), stream=True)


def event(kind: str | None, body: dict[str, Any]) -> bytes:
    head = f"event: {kind}\n" if kind else ""
    return f"{head}data: {json.dumps(body)}\n\n".encode()


def chat(number: int, text: str | None, *, index: Callable[[int], int | None] = lambda number: number) -> bytes:
    """The beginning of a call, or a fragment of its arguments, from OpenAI."""
    call: dict[str, Any] = {"index": index(number), "function": {"arguments": text or ""}}
    if call["index"] is None:
        del call["index"]
    if text is None:
        call |= {"id": f"call_{number}", "function": {"name": f"tool_{number}", "arguments": ""}}
    delta = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
    return event(None, {"id": "c", "model": "m", "created": 1, "choices": [delta]})


def ollama(number: int, text: str | None) -> bytes:
    return chat(number, text, index=lambda number: 0)


def no_index(number: int, text: str | None) -> bytes:
    return chat(number, text, index=lambda number: None)


def anthropic(number: int, text: str | None) -> bytes:
    if text is None:
        block = {"type": "tool_use", "id": f"call_{number}", "name": f"tool_{number}", "input": {}}
        stop = event(None, {"type": "content_block_stop", "index": number - 1}) if number else b""
        return stop + event(None, {"type": "content_block_start", "index": number, "content_block": block})
    delta = {"type": "input_json_delta", "partial_json": text}
    return event(None, {"type": "content_block_delta", "index": number, "delta": delta})


def cohere(number: int, text: str | None) -> bytes:
    if text is None:
        call = {"id": f"call_{number}", "type": "function", "function": {"name": f"tool_{number}", "arguments": ""}}
        stop = event(None, {"type": "tool-call-end", "index": number - 1}) if number else b""
        begun = {"type": "tool-call-start", "index": number, "delta": {"message": {"tool_calls": call}}}
        return stop + event(None, begun)
    delta = {"message": {"tool_calls": {"function": {"arguments": text}}}}
    return event(None, {"type": "tool-call-delta", "index": number, "delta": delta})


def responses(number: int, text: str | None) -> bytes:
    item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": f"tool_{number}"}
    if text is None:
        return event(None, {"type": "response.output_item.added", "output_index": number, "item": item})
    delta = {"type": "response.function_call_arguments.delta", "output_index": number, "delta": text}
    done = {"type": "response.output_item.done", "output_index": number, "item": {**item, "arguments": text}}
    return event(None, delta) + (event(None, done) if text.endswith("}") else b"")


SOURCES = {
    "openai": ("openai", chat), "ollama": ("openai", ollama), "no index": ("openai", no_index),
    "anthropic": ("anthropic", anthropic), "cohere": ("cohere", cohere), "responses": ("openai-responses", responses),
}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("client", CLIENTS)
def test_of_parallel_tools_each_fragment_goes_out_as_it_comes(source: str, client: str) -> None:
    dialect, said = SOURCES[source]
    reader, out = PROVIDERS[dialect].reader(), CLIENTS[client].writer(CHAT, 0.0)

    def through(data: bytes) -> bytes:
        return b"".join(out.write(one) for _, happenings in reader.feed(data) for one in happenings)

    for number in range(3):
        begun = through(said(number, None))
        first, second = through(said(number, f'{{"first{number}"')), through(said(number, f':"second{number}"}}'))
        if client == "gemini":
            # Its calls are told whole: when they are, or, where only their end tells that, when the next one begins.
            told = begun if dialect in ("anthropic", "cohere") else second
            expected = number - 1 if dialect in ("anthropic", "cohere") else number
            assert expected < 0 or f"second{expected}".encode() in told
        else:
            assert f"tool_{number}".encode() in begun
            assert f"first{number}".encode() in first
            assert f"second{number}".encode() in second


def interleaved(count: int) -> list[Any]:
    return [Opened(ToolCall("a", "one"), 0), Opened(ToolCall("b", "two"), 1), Opened(ToolCall("c", "three"), 2),
            *(ArgumentsDelta("x" * 100, index) for index in range(3) for _ in range(count))]  # fmt: skip


def test_what_waits_for_an_open_block_goes_out_when_that_is_closed() -> None:
    out = CLIENTS["anthropic"].writer(CHAT, 0.0)
    for one in (Began(), *interleaved(1)):
        out.write(one)
    told = out.write(Closed(0))
    assert b"two" in told
    assert b"three" not in told
    assert b"live" in out.write(ArgumentsDelta("live", 1))
    assert out.write(ArgumentsDelta("waits", 2)) == b""
    assert b"waits" in out.write(Closed(1))


def test_what_waits_has_a_bound_and_beyond_it_the_provider_is_at_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_HELD", 2000)
    out = CLIENTS["anthropic"].writer(CHAT, 0.0)
    with pytest.raises(Garbled, match="more than 2000 bytes of other parts"):
        [out.write(one) for one in (Began(), *interleaved(20))]


def test_only_what_waits_now_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_HELD", 2000)
    out = CLIENTS["anthropic"].writer(CHAT, 0.0)
    out.write(Began())
    for number in range(0, 60, 2):
        for one in (Opened(ToolCall("a", "one"), number), Opened(ToolCall("b", "two"), number + 1)):
            out.write(one)
        out.write(ArgumentsDelta("x" * 500, number + 1))
        assert b"xxx" in out.write(Closed(number))
        out.write(Closed(number + 1))


def test_a_call_that_has_to_be_told_whole_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemini_writer, "MAX_CALL", 1000)
    out = CLIENTS["gemini"].writer(CHAT, 0.0)
    with pytest.raises(Garbled, match="more than 1000 characters"):
        [out.write(one) for one in (Began(), *interleaved(20))]
