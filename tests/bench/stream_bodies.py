"""What the streams of the benchmark hold: a request and the events of its answer, in two dialects."""

from __future__ import annotations

import json
from dataclasses import dataclass

# Stands once in every delta and nowhere else, so that a client of any dialect can count deltas without reading them.
MARK = b"word "


@dataclass(frozen=True, slots=True)
class Script:
    """An answer: what comes before the first delta, a delta, what comes behind the last; each event with its frame."""

    opening: tuple[bytes, ...]
    delta: bytes
    closing: tuple[bytes, ...]


def request(path: str, slot: int, key: str) -> bytes:
    """A request for a stream, whole. `slot` stands in its words, so that the upstream knows whose it is."""
    body: dict[str, object] = {
        "model": "bench-model", "stream": True, "max_tokens": 4096,
        "messages": [{"role": "user", "content": f"Say something for slot <{slot}>, please."}],
    }  # fmt: skip
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def script(path: str, *, counts: bool) -> Script:
    """The answer that is given at a path; `counts`: its client asked OpenAI for them."""
    return _anthropic() if path.endswith("/messages") else _openai(counts=counts)


def _openai(*, counts: bool) -> Script:
    more: dict[str, object] = {"usage": None} if counts else {}
    opening = _chunk([_choice({"role": "assistant", "content": "", "refusal": None})], more)
    closing = [_chunk([_choice({}, "stop")], more)]
    if counts:
        closing.append(
            _chunk([], {"usage": {"prompt_tokens": 12, "completion_tokens": 500, "total_tokens": 512}})
        )  # fmt: skip
    return Script(
        (opening,), _chunk([_choice({"content": MARK.decode()})], more), (*closing, framed(b"data: [DONE]\n\n"))
    )


def _choice(delta: dict[str, object], reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _chunk(choices: list[dict[str, object]], more: dict[str, object]) -> bytes:
    value = {
        "id": "chatcmpl-BenchBenchBenchBenchBenchBe", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "gpt-4.1-mini-2025-04-14", "service_tier": "default", "system_fingerprint": "fp_0123456789",
        "choices": choices, **more,
    }  # fmt: skip
    return framed(b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n")


def _anthropic() -> Script:
    message = {
        "id": "msg_BenchBenchBenchBenchBen", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 12, "output_tokens": 1},
    }  # fmt: skip
    opening = (
        _event("message_start", message=message),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _event("ping"),
    )
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    closing = (
        _event("content_block_stop", index=0),
        _event("message_delta", delta=stop, usage={"output_tokens": 500}),
        _event("message_stop"),
    )
    delta = _event("content_block_delta", index=0, delta={"type": "text_delta", "text": MARK.decode()})
    return Script(opening, delta, closing)


def _event(kind: str, **fields: object) -> bytes:
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"))
    return framed(f"event: {kind}\ndata: {data}\n\n".encode())


def framed(event: bytes) -> bytes:
    """One event as one chunk."""
    return b"%x\r\n%b\r\n" % (len(event), event)
