"""Cohere's SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import cohere
from cohere.core import ApiError

from matrix.asks import IMAGE_URL, PNG, Ask, Called, Fault, Heard, Results, Turn, User, args
from matrix.clients.base import MODEL, TIMEOUT_S

# It tries again by itself, also where that cannot help.
ONCE: Any = {"max_retries": 0}


class CohereClient:
    """`cohere.ClientV2().chat`."""

    name: ClassVar = "cohere"
    sdk: ClassVar = "cohere"
    dialect: ClassVar = "cohere"
    path: ClassVar = "/v2/chat"
    stops: ClassVar = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tools": "TOOL_CALL", "sequence": "STOP_SEQUENCE"}
    faults: ClassVar = {400: "BadRequestError", 401: "UnauthorizedError", 429: "TooManyRequestsError", 502: "ApiError"}

    def __init__(self, base: str, key: str) -> None:
        self.sdk_client = cohere.ClientV2(api_key=key, base_url=base, timeout=TIMEOUT_S)

    def whole(self, ask: Ask) -> Heard:
        said = self.sdk_client.chat(**_request(ask), request_options=ONCE)
        message: Any = said.message
        heard = Heard(stop=said.finish_reason, native=message)
        for part in message.content or ():
            heard.text += part.text if part.type == "text" else ""
            heard.thoughts += part.thinking if part.type == "thinking" else ""
        for call in message.tool_calls or ():
            heard.calls.append(Called(call.id, call.function.name, args(call.function.arguments)))
        _count(heard, said.usage)
        return heard

    def stream(self, ask: Ask) -> Heard:
        heard, calls, plan = Heard(), list[Any](), ""
        for event in self.events(ask):
            delta: Any = getattr(event, "delta", None)
            match event.type:
                case "content-delta":
                    heard.text += delta.message.content.text or ""
                    heard.pieces += bool(delta.message.content.text)
                    heard.thoughts += delta.message.content.thinking or ""
                case "tool-plan-delta":
                    plan += delta.message.tool_plan or ""
                case "tool-call-start":
                    call = delta.message.tool_calls
                    named = {"name": call.function.name, "arguments": call.function.arguments or ""}
                    calls.append({"id": call.id, "type": "function", "function": named})
                case "tool-call-delta":
                    calls[event.index]["function"]["arguments"] += delta.message.tool_calls.function.arguments
                    heard.fragments += 1
                case "message-end":
                    heard.stop = delta.finish_reason
                    _count(heard, delta.usage)
        heard.calls = [Called(one["id"], one["function"]["name"], args(one["function"]["arguments"])) for one in calls]
        said: dict[str, Any] = {"role": "assistant", "tool_calls": calls or None, "tool_plan": plan or None}
        said["content"] = heard.text or None
        heard.native = {name: value for name, value in said.items() if value is not None}
        return heard

    def events(self, ask: Ask) -> Iterator[Any]:
        stream = self.sdk_client.chat_stream(**_request(ask), request_options=ONCE)
        try:
            for event in stream:
                if event.type == "message-end" and event.delta.finish_reason == "ERROR":
                    raise FailedError(event.delta.error)
                yield event
        finally:
            stream.close()  # type: ignore[attr-defined]

    def fault(self, error: Exception) -> Fault:
        if not isinstance(error, ApiError):
            return Fault(type(error).__name__, None, str(error))
        after = (error.headers or {}).get("retry-after")
        return Fault(type(error).__name__, error.status_code, str(error), after)

    def close(self) -> None:
        self.sdk_client._client_wrapper.httpx_client.httpx_client.close()


class FailedError(Exception):
    """The last event said that the answer failed; the SDK leaves it to its user to look."""


def _count(heard: Heard, usage: Any) -> None:
    heard.input, heard.output = int(usage.tokens.input_tokens), int(usage.tokens.output_tokens)
    cached = getattr(usage, "cached_tokens", None)
    heard.cached = None if cached is None else int(cached)


def _request(ask: Ask) -> Any:
    messages: list[Any] = [{"role": "system", "content": ask.system}] if ask.system else []
    for turn in ask.turns:
        messages += _messages(turn)
    request: dict[str, Any] = {"model": MODEL, "messages": messages, "max_tokens": ask.max_tokens}
    if ask.tools:
        request["tools"] = [
            {"type": "function", "function": {"name": name, "description": "It.", "parameters": schema}}
            for name, schema in ask.tools.items()
        ]
    if ask.must_call:
        request["tool_choice"] = "REQUIRED"
    if ask.schema is not None:
        request["response_format"] = {"type": "json_object", "json_schema": ask.schema}
    if ask.json_mode:
        request["response_format"] = {"type": "json_object"}
    if ask.thinks:
        request["thinking"] = {"type": "enabled", "token_budget": 1024}
    if ask.penalty is not None:
        request["presence_penalty"] = request["frequency_penalty"] = ask.penalty
    given = {
        "stop_sequences": [ask.stop] if ask.stop else None,
        "seed": ask.seed,
        "k": ask.top_k,
        "temperature": ask.temperature,
    }
    return request | {name: value for name, value in given.items() if value is not None}


def _messages(turn: Turn) -> list[Any]:
    if isinstance(turn, Heard):
        return [turn.native]
    if isinstance(turn, Results):
        return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in turn.pairs()]
    return [{"role": "user", "content": _content(turn)}]


def _content(user: User) -> Any:
    parts: list[Any] = [{"type": "text", "text": user.text}]
    if user.image:
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}})
    if user.image_url:
        parts.append({"type": "image_url", "image_url": {"url": IMAGE_URL}})
    return parts if len(parts) > 1 else user.text
