"""OpenAI's SDK, Responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import openai

from matrix.asks import IMAGE_URL, PDF, PNG, Ask, Called, Fault, Heard, Results, Turn, User, args
from matrix.clients.base import MODEL, TIMEOUT_S
from matrix.clients.openai_client import OpenAiClient, openai_fault


class ResponsesClient:
    """`openai.OpenAI().responses`."""

    name: ClassVar = "openai-responses"
    sdk: ClassVar = "openai"
    dialect: ClassVar = "openai-responses"
    path: ClassVar = "/v1/responses"
    stops: ClassVar = {
        "stop": "completed",
        "length": "max_output_tokens",
        "tools": "completed",
        "sequence": "completed",
    }
    faults: ClassVar = OpenAiClient.faults

    def __init__(self, base: str, key: str) -> None:
        self.sdk_client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=TIMEOUT_S)

    def whole(self, ask: Ask) -> Heard:
        return _heard(self.sdk_client.responses.create(**_request(ask)))

    def stream(self, ask: Ask) -> Heard:
        whole, pieces, fragments = None, 0, 0
        text = ""
        for event in self.events(ask):
            if event.type == "response.output_text.delta":
                text += event.delta
                pieces += 1
            elif event.type == "response.function_call_arguments.delta":
                fragments += 1
            elif event.type in ("response.completed", "response.incomplete", "response.failed"):
                whole = event.response
        assert whole is not None, "the stream has no end"
        heard = _heard(whole)
        assert text == heard.text
        heard.pieces, heard.fragments = pieces, fragments
        return heard

    def events(self, ask: Ask) -> Iterator[Any]:
        with self.sdk_client.responses.create(**_request(ask), stream=True) as stream:
            for event in stream:
                if event.type == "response.failed":
                    raise FailedError(event.response.error)
                yield event

    def fault(self, error: Exception) -> Fault:
        return openai_fault(error)

    def close(self) -> None:
        self.sdk_client.close()


class FailedError(Exception):
    """The last event said that the answer failed: it has the error where a whole answer has it."""


def _heard(said: Any) -> Heard:
    reason = said.incomplete_details.reason if said.incomplete_details is not None else said.status
    heard = Heard(said.output_text, stop=reason, native=said.output)
    if said.usage is not None:
        heard.input, heard.output = said.usage.input_tokens, said.usage.output_tokens
        heard.cached = said.usage.input_tokens_details.cached_tokens
    for item in said.output:
        if item.type == "function_call":
            heard.calls.append(Called(item.call_id, item.name, args(item.arguments)))
        elif item.type == "reasoning":
            heard.thoughts += "".join(part.text for part in [*item.summary, *(item.content or ())])
    return heard


def _request(ask: Ask) -> Any:
    request: dict[str, Any] = {"model": MODEL, "max_output_tokens": ask.max_tokens, "store": False}
    request["input"] = [item for turn in ask.turns for item in _items(turn)]
    if ask.system:
        request["instructions"] = ask.system
    if ask.tools:
        request["tools"] = [
            {"type": "function", "name": name, "description": "It.", "parameters": schema, "strict": False}
            for name, schema in ask.tools.items()
        ]
    if ask.must_call:
        request["tool_choice"] = "required"
    if ask.schema is not None:
        request["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}}
    if ask.json_mode:
        request["text"] = {"format": {"type": "json_object"}}
    if ask.thinks:
        request["reasoning"] = {"effort": "low", "summary": "auto"}
        request["include"] = ["reasoning.encrypted_content"]
    if ask.temperature is not None:
        request["temperature"] = ask.temperature
    return request


def _items(turn: Turn) -> list[Any]:
    if isinstance(turn, Heard):
        return list(turn.native)
    if isinstance(turn, Results):
        return [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in turn.pairs()]
    return [{"role": "user", "content": _content(turn)}]


def _content(user: User) -> Any:
    parts: list[Any] = [{"type": "input_text", "text": user.text}]
    if user.image:
        parts.append({"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"})
    if user.image_url:
        parts.append({"type": "input_image", "detail": "auto", "image_url": IMAGE_URL})
    if user.file:
        parts.append({"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"})
    return parts if len(parts) > 1 else user.text
