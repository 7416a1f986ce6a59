"""Anthropic's SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import anthropic

from matrix.asks import IMAGE_URL, PDF, PNG, Ask, Called, Fault, Heard, Results, Turn, User
from matrix.clients.base import MODEL, TIMEOUT_S
from matrix.clients.openai_client import openai_fault


class AnthropicClient:
    """`anthropic.Anthropic().messages`."""

    name: ClassVar = "anthropic"
    sdk: ClassVar = "anthropic"
    dialect: ClassVar = "anthropic"
    path: ClassVar = "/v1/messages"
    stops: ClassVar = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use", "sequence": "stop_sequence"}
    faults: ClassVar = {
        400: "BadRequestError",
        401: "AuthenticationError",
        429: "RateLimitError",
        502: "InternalServerError",
    }

    def __init__(self, base: str, key: str) -> None:
        self.sdk_client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=TIMEOUT_S)

    def whole(self, ask: Ask) -> Heard:
        return _heard(self.sdk_client.messages.create(**_request(ask)))

    def stream(self, ask: Ask) -> Heard:
        pieces = fragments = 0
        with self.sdk_client.messages.stream(**_request(ask)) as stream:
            for event in stream:
                if event.type == "content_block_delta":
                    pieces += event.delta.type == "text_delta"
                    fragments += event.delta.type == "input_json_delta" and bool(event.delta.partial_json)
            heard = _heard(stream.get_final_message())
        heard.pieces, heard.fragments = pieces, fragments
        return heard

    def events(self, ask: Ask) -> Iterator[Any]:
        with self.sdk_client.messages.create(**_request(ask), stream=True) as stream:
            yield from stream

    def fault(self, error: Exception) -> Fault:
        return openai_fault(error)

    def close(self) -> None:
        self.sdk_client.close()


def _heard(said: Any) -> Heard:
    heard = Heard(stop=said.stop_reason, native={"role": "assistant", "content": said.content})
    usage = said.usage
    heard.cached = usage.cache_read_input_tokens or 0
    heard.input = usage.input_tokens + heard.cached + (usage.cache_creation_input_tokens or 0)
    heard.output = usage.output_tokens
    for block in said.content:
        if block.type == "text":
            heard.text += block.text
        elif block.type == "thinking":
            heard.thoughts += block.thinking
        elif block.type == "tool_use":
            heard.calls.append(Called(block.id, block.name, block.input))
    return heard


def _request(ask: Ask) -> Any:
    request: dict[str, Any] = {"model": MODEL, "max_tokens": ask.max_tokens}
    request["messages"] = [_message(turn) for turn in ask.turns]
    if ask.system:
        request["system"] = ask.system
    if ask.tools:
        request["tools"] = [
            {"name": name, "description": "It.", "input_schema": schema} for name, schema in ask.tools.items()
        ]
    if ask.must_call:
        request["tool_choice"] = {"type": "any"}
    if ask.schema is not None:
        request["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    if ask.thinks:
        request["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if ask.stop:
        request["stop_sequences"] = [ask.stop]
    if ask.top_k is not None or ask.temperature is not None:
        given = {"top_k": ask.top_k, "temperature": ask.temperature}
        request["extra_body"] = {name: value for name, value in given.items() if value is not None}
    return request


def _message(turn: Turn) -> Any:
    if isinstance(turn, Heard):
        return turn.native
    if isinstance(turn, Results):
        blocks = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in turn.pairs()]
        return {"role": "user", "content": blocks}
    return {"role": "user", "content": _content(turn)}


def _content(user: User) -> Any:
    blocks: list[Any] = [{"type": "text", "text": user.text}]
    if user.image:
        blocks.append({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}})
    if user.image_url:
        blocks.append({"type": "image", "source": {"type": "url", "url": IMAGE_URL}})
    if user.file:
        source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
        blocks.append({"type": "document", "title": "a.pdf", "source": source})
    return blocks if len(blocks) > 1 else user.text
