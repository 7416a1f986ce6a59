"""What is booked of a stream that is cut is never less than what was relayed of it, whatever its fields are called."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from every_dialect import CLIENTS, PROVIDERS

from headgate.api.ai import Endpoint

TEXT = 'He said "æøå",\n' * 20


def block(said: Any, kind: str = "") -> bytes:
    head = f"event: {kind}\n".encode() if kind else b""
    return head + b"data: " + json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def chat(delta: Any) -> bytes:
    return block(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "model": "gpt-5",
            "system_fingerprint": "fp_1",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
            "obfuscation": "abcdefgh",
        }
    )


def anthropic(delta: Any) -> bytes:
    return block({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")


def responses(kind: str, **fields: Any) -> bytes:
    return block({"type": kind, "sequence_number": 3, "item_id": "i", "output_index": 0, **fields}, kind)


def cohere(kind: str, message: Any) -> bytes:
    return block({"type": kind, "index": 0, "delta": {"message": message}}, kind)


RELAYED = [
    ("openai", chat({"content": TEXT})),
    ("openai", chat({"refusal": TEXT})),
    ("openai", chat({"tool_calls": [{"index": 0, "function": {"arguments": TEXT}}]})),
    ("openai", chat({"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": TEXT}}]})),
    ("openai", chat({"reasoning_details": [{"type": "reasoning.text", "text": TEXT, "format": "x"}]})),
    ("openai", chat({"reasoning_details": [{"type": "reasoning.summary", "summary": TEXT}]})),
    ("openai", chat({"reasoning": TEXT})),
    ("openai", chat({"audio": {"id": "a", "transcript": TEXT}})),
    ("openai", chat({"audio": {"data": TEXT}})),
    ("openai", chat({"what_nobody-knows.yet": TEXT})),
    ("anthropic", anthropic({"type": "text_delta", "text": TEXT})),
    ("anthropic", anthropic({"type": "what_comes_next", "whatever": TEXT})),
    ("anthropic", block({"type": "content_block_start", "content_block": {"type": "redacted_thinking", "data": TEXT}})),
    ("openai-responses", responses("response.output_text.delta", delta=TEXT)),
    ("openai-responses", responses("response.custom_tool_call_input.delta", delta=TEXT)),
    ("openai-responses", responses("response.image_generation_call.partial_image", partial_image_b64=TEXT)),
    ("openai-responses", responses("response.output_item.done", item={"type": "reasoning", "encrypted_content": TEXT})),
    ("openai-responses", responses("response.what_comes_next", whatever=TEXT)),
    ("cohere", cohere("content-delta", {"content": {"text": TEXT}})),
    ("cohere", cohere("tool-plan-delta", {"tool_plan": TEXT})),
    ("cohere", cohere("tool-call-start", {"tool_calls": {"id": "c", "function": {"name": TEXT, "arguments": ""}}})),
    ("cohere", cohere("content-delta", {"content": {"whatever": TEXT}})),
]


def passing(provider: str) -> Any:
    return PROVIDERS[provider].passing(hides_counts=False)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("provider", "said"), RELAYED)
def test_what_was_relayed_is_measured_whatever_it_is_called(provider: str, said: bytes) -> None:
    flow = passing(provider)
    flow.take(said)
    flow.take(said)
    assert 2 * len(TEXT.encode()) <= flow.relayed_bytes < 3 * len(TEXT.encode())


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("openai", chat({"role": "assistant", "content": ""})),
        ("openai", block({"error": {"message": TEXT}})),
        ("openai-responses", block({"type": "error", "message": TEXT})),
        ("anthropic", block({"type": "error", "error": {"type": "overloaded_error", "message": TEXT}}, "error")),
        ("openai-responses", responses("response.created", response={"id": "r", "instructions": TEXT})),
        ("openai-responses", responses("response.output_text.done", text=TEXT)),
        ("openai-responses", responses("response.output_item.done", item={"type": "message", "content": [TEXT]})),
        ("anthropic", block({"type": "message_start", "message": {"id": "m", "model": "x"}}, "message_start")),
        ("cohere", block({"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}})),
    ],
)
def test_a_frame_and_what_was_told_before_count_nothing(provider: str, said: bytes) -> None:
    flow = passing(provider)
    flow.take(said)
    assert flow.relayed_bytes == 0


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("openai", chat({"content": "x" * (4 << 20)})),
        ("anthropic", anthropic({"type": "text_delta", "text": "x" * (4 << 20)})),
        ("openai-responses", responses("response.output_text.delta", delta="x" * (4 << 20))),
        ("cohere", cohere("content-delta", {"content": {"text": "x" * (4 << 20)}})),
    ],
)
def test_a_long_text_is_measured_in_little_memory(provider: str, said: bytes) -> None:
    flow = passing(provider)
    tracemalloc.start()
    try:
        flow.take(said)
        assert flow.relayed_bytes >= 4 << 20
        assert tracemalloc.get_traced_memory()[1] < 6 * len(said)
    finally:
        tracemalloc.stop()


def ending(choice: int, reason: str | None = "stop") -> bytes:
    return block({"choices": [{"index": choice, "delta": {"content": "a"}, "finish_reason": reason}]})


def of_choices(count: int) -> Any:
    return PROVIDERS["openai"].passing(hides_counts=True, choices=count)  # type: ignore[attr-defined]


def test_an_answer_of_two_is_whole_when_both_have_ended() -> None:
    flow = of_choices(2)
    flow.take(ending(0, None))
    flow.take(ending(1, None))
    assert flow.finish() is None
    flow.take(ending(0))
    assert flow.finish() is None
    flow.take(ending(0))
    assert flow.finish() is None
    flow.take(ending(1))
    assert flow.finish() == b"data: [DONE]\n\n"


def test_a_reason_that_is_empty_ends_nothing() -> None:
    flow = of_choices(1)
    flow.take(ending(0, ""))
    assert flow.finish() is None


def test_two_choices_that_end_in_one_chunk_are_two() -> None:
    flow = of_choices(2)
    flow.take(ending(0, None))
    flow.take(block({"choices": [{"delta": {}, "finish_reason": "stop"}, {"delta": {}, "finish_reason": "length"}]}))
    assert flow.finish() == b"data: [DONE]\n\n"


@pytest.mark.parametrize(("more", "choices"), [({}, 1), ({"n": 2}, 2), ({"n": None}, 1)])
def test_a_request_says_how_many_answers_its_stream_will_hold(more: dict[str, Any], choices: int) -> None:
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}], **more}
    read = CLIENTS["openai"].read(json.dumps(asked).encode(), "/v1/chat/completions", {})
    for model in ("m", "m-2"):
        assert PROVIDERS["openai"].write(read, Endpoint(model, {})).choices == choices


def test_of_several_deltas_all_are_measured() -> None:
    deltas = [{"content": TEXT}, {"content": TEXT, "custom": {"input": TEXT}}, {"refusal": TEXT}]
    choices = [{"index": at, "delta": delta} for at, delta in enumerate(deltas)]
    flow = of_choices(3)
    flow.take(block({"choices": choices}))
    assert flow.relayed_bytes >= 4 * len(TEXT.encode())
    before = flow.relayed_bytes
    flow.take(block({"choices": [choices[0], choices[2]]}))
    assert flow.relayed_bytes >= before + 2 * len(TEXT.encode())
