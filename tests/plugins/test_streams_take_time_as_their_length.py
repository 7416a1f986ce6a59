"""A stream of many pieces takes time as its length, and what waits of it has a bound."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from every_dialect import CLIENTS, PROVIDERS

from headgate.api.ai import (
    ArgumentsDelta,
    Began,
    Chat,
    Citation,
    CitationDelta,
    Closed,
    Content,
    Garbled,
    Message,
    Opaque,
    Opened,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
)
from headgate_anthropic import hidden, writer

CHAT = Chat.made("m", Content([Message("user", [Text("Hi")])]), stream=True)


def block(said: Any) -> bytes:
    return b"data: " + json.dumps(said).encode() + b"\n\n"


def growth(run: Callable[[int], object], count: int) -> float:
    """How many times as long four times as many take: 4 where each costs the same. The best of three runs."""

    def seconds(many: int) -> float:
        begun = time.perf_counter()
        run(many)
        return time.perf_counter() - begun

    return min(seconds(4 * count) for _ in range(3)) / min(seconds(count) for _ in range(3))


# --- what is read ----------------------------------------------------------------------------------------------------


def hidden_block(**more: Any) -> Any:
    reader = PROVIDERS["anthropic"].reader()
    own = {"type": "server_tool_use", "id": "s", "name": "code_execution", "input": {}, **more}
    reader.feed(block({"type": "content_block_start", "index": 0, "content_block": own}))
    return reader


def delta(**said: Any) -> bytes:
    return block({"type": "content_block_delta", "index": 0, "delta": said})


def opaque(reader: Any) -> Any:
    (opened, _) = reader.feed(block({"type": "content_block_stop", "index": 0}))[0][1]
    assert isinstance(opened.part, Opaque)
    return opened.part.value


def test_a_hidden_block_is_all_that_came_of_it() -> None:
    reader = hidden_block(note="a", count=1)
    for said in ({"partial_json": '{"a"'}, {"partial_json": ":1}"}):
        reader.feed(delta(type="input_json_delta", **said))
    for more in ({"note": "b", "late": "x"}, {"note": "c", "count": 2, "late": "y"}):
        reader.feed(delta(type="note_delta", **more))
    value = opaque(reader)
    assert {name: value[name] for name in ("input", "note", "count", "late")} == {
        "input": {"a": 1}, "note": "abc", "count": 2, "late": "xy",
    }  # fmt: skip


@pytest.mark.parametrize(
    "said", [{"type": "input_json_delta", "partial_json": "x" * 50}, {"type": "n", "note": "x" * 50}]
)
def test_the_input_of_a_hidden_block_takes_time_as_its_length(said: dict[str, str]) -> None:
    piece = delta(**said)

    def run(count: int) -> None:
        reader = hidden_block()
        for _ in range(count):
            reader.feed(piece)

    assert growth(run, 4000) < 9


@pytest.mark.parametrize(
    "said", [{"type": "input_json_delta", "partial_json": "x" * 50}, {"type": "n", "note": "x" * 50}]
)
def test_hidden_blocks_have_a_bound(said: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "MAX_HIDDEN", 200)
    reader = hidden_block()
    with pytest.raises(Garbled):
        [reader.feed(delta(**said)) for _ in range(4)]


def test_hidden_blocks_that_never_end_have_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "MAX_HIDDEN", 1000)

    def begin(place: int) -> bytes:
        return block({"type": "content_block_start", "index": place, "content_block": {"type": "x", "a": "x" * 200}})

    reader = PROVIDERS["anthropic"].reader()
    for place in range(20):
        reader.feed(begin(place))
        reader.feed(block({"type": "content_block_stop", "index": place}))
    with pytest.raises(Garbled):
        [reader.feed(begin(place)) for place in range(20, 30)]


def test_many_open_calls_take_time_as_their_number() -> None:
    def call(at: int) -> bytes:
        said = {"index": at, "id": f"c{at}", "function": {"name": "f", "arguments": '{"a":'}}
        return block({"choices": [{"index": 0, "delta": {"tool_calls": [said]}}]})

    def run(count: int) -> None:
        reader = PROVIDERS["openai"].reader()
        for at in range(count):
            reader.feed(call(at))

    assert growth(run, 800) < 8


# --- what is written -------------------------------------------------------------------------------------------------


def words(client: str) -> Callable[[int], None]:
    def run(count: int) -> None:
        out = CLIENTS[client].writer(CHAT, 0.0)
        out.write(Began("i", "m"))
        out.write(Opened(Text(""), 0, 0))
        for _ in range(count):
            out.write(TextDelta("x" * 200, 0, 0))

    return run


@pytest.mark.parametrize("client", ["cohere", "gemini"])
def test_a_long_text_takes_time_as_its_length(client: str) -> None:
    assert growth(words(client), 5000) < 9


def test_many_parts_that_wait_take_time_as_their_number() -> None:
    def run(count: int) -> None:
        out = CLIENTS["anthropic"].writer(CHAT, 0.0)
        for at in range(count):
            out.write(Opened(ToolCall(f"c{at}", "f"), at, 0))

    assert growth(run, 3000) < 9


def test_what_was_told_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_HELD", 1000)
    out = CLIENTS["anthropic"].writer(CHAT, 0.0)
    for at in range(0, 40, 2):
        for each in (at, at + 1):
            out.write(Opened(ToolCall(f"c{each}", "f"), each, 0))
        for each in (at + 1, at):
            out.write(ArgumentsDelta("x" * 200, each, 0))
            out.write(Closed(each, 0))
    out.write(Opened(ToolCall("a", "f"), 40, 0))
    with pytest.raises(Garbled):
        [out.write(Opened(ToolCall("b" * 300, "f"), each, 0)) for each in range(41, 45)]


@pytest.mark.parametrize("client", ["cohere", "gemini"])
def test_a_citation_stands_at_its_words(client: str) -> None:
    out = CLIENTS[client].writer(CHAT, 0.0)
    said = [out.write(Began("i", "m")), out.write(Opened(Text(""), 0, 0))]
    said += [out.write(TextDelta(text, 0, 0)) for text in ("It is ", "so. ")]
    said.append(out.write(CitationDelta(Citation("t", "A book", "http://x", None, 3, 8), 0, 0)))
    said += [out.write(TextDelta("Yes.", 0, 0)), out.write(Closed(0, 0)), out.write(Stopped("stop", 0))]
    assert b'"text":"is so"' in b"".join(said)
