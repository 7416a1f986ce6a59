"""OpenAI's SDK, Chat Completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import openai

from matrix.asks import IMAGE_URL, PDF, PNG, Ask, Called, Fault, Heard, Results, Turn, User, args
from matrix.clients.base import MODEL, TIMEOUT_S


class OpenAiClient:
    """`openai.OpenAI().chat.completions`."""

    name: ClassVar = "openai"
    sdk: ClassVar = "openai"
    dialect: ClassVar = "openai"
    path: ClassVar = "/v1/chat/completions"
    stops: ClassVar = {"stop": "stop", "length": "length", "tools": "tool_calls", "sequence": "stop"}
    faults: ClassVar = {
        400: "BadRequestError",
        401: "AuthenticationError",
        429: "RateLimitError",
        502: "InternalServerError",
    }

    def __init__(self, base: str, key: str) -> None:
        self.sdk_client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0, timeout=TIMEOUT_S)

    def whole(self, ask: Ask) -> Heard:
        said = self.sdk_client.chat.completions.create(**_request(ask))
        choice = said.choices[0]
        message: Any = choice.message
        heard = Heard(message.content or "", _thoughts(message), stop=choice.finish_reason, native=message)
        heard.calls = [
            Called(call.id, call.function.name, args(call.function.arguments))  # type: ignore[union-attr]
            for call in message.tool_calls or ()
        ]
        _count(heard, said.usage)
        return heard

    def stream(self, ask: Ask) -> Heard:
        heard = Heard()
        calls: list[dict[str, Any]] = []
        details: list[Any] = []
        for chunk in self.events(ask):
            if chunk.usage is not None:
                _count(heard, chunk.usage)
            for choice in chunk.choices:
                heard.stop = choice.finish_reason or heard.stop
                heard.text += choice.delta.content or ""
                heard.pieces += bool(choice.delta.content)
                heard.thoughts += _thoughts(choice.delta)
                details += getattr(choice.delta, "reasoning_details", None) or []
                for each in choice.delta.tool_calls or ():
                    _grow(calls, each)
                    heard.fragments += bool(each.function.arguments)
        heard.calls = [Called(one["id"], one["function"]["name"], args(one["function"]["arguments"])) for one in calls]
        heard.native = {"role": "assistant", "content": heard.text or None}
        heard.native |= {"tool_calls": calls} if calls else {}
        heard.native |= {"reasoning_content": heard.thoughts} if heard.thoughts else {}
        heard.native |= {"reasoning_details": details} if details else {}
        return heard

    def events(self, ask: Ask) -> Iterator[Any]:
        with self.sdk_client.chat.completions.create(
            **_request(ask), stream=True, stream_options={"include_usage": True}
        ) as stream:
            yield from stream

    def fault(self, error: Exception) -> Fault:
        return openai_fault(error)

    def close(self) -> None:
        self.sdk_client.close()


def openai_fault(error: Exception) -> Fault:
    """Both of OpenAI's APIs, and Anthropic's, raise alike."""
    response = getattr(error, "response", None)
    after = response.headers.get("retry-after") if response is not None else None
    shown = f"{error} {getattr(error, 'body', '')}"
    return Fault(type(error).__name__, getattr(error, "status_code", None), shown, after)


def _thoughts(message: Any) -> str:
    return getattr(message, "reasoning_content", None) or ""


def _count(heard: Heard, usage: Any) -> None:
    heard.input, heard.output = usage.prompt_tokens, usage.completion_tokens
    details = usage.prompt_tokens_details
    heard.cached = details.cached_tokens if details is not None else None


def _grow(calls: list[dict[str, Any]], each: Any) -> None:
    while len(calls) <= each.index:
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    one = calls[each.index]
    one["id"] = each.id or one["id"]
    one["function"]["name"] += each.function.name or ""
    one["function"]["arguments"] += each.function.arguments or ""


def _request(ask: Ask) -> Any:
    messages: list[Any] = [{"role": "system", "content": ask.system}] if ask.system else []
    for turn in ask.turns:
        messages += _messages(turn)
    request: dict[str, Any] = {"model": MODEL, "messages": messages, "max_completion_tokens": ask.max_tokens}
    if ask.tools:
        request["tools"] = [
            {"type": "function", "function": {"name": name, "description": "It.", "parameters": schema}}
            for name, schema in ask.tools.items()
        ]
    if ask.must_call:
        request["tool_choice"] = "required"
    if ask.schema is not None:
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": ask.schema, "strict": True},
        }
    if ask.json_mode:
        request["response_format"] = {"type": "json_object"}
    if ask.thinks:
        request["reasoning_effort"] = "low"
    if ask.penalty is not None:
        request["presence_penalty"] = request["frequency_penalty"] = ask.penalty
    if ask.top_k is not None:
        request["extra_body"] = {"top_k": ask.top_k}
    given = {"stop": [ask.stop] if ask.stop else None, "seed": ask.seed, "temperature": ask.temperature}
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
    if user.file:
        parts.append({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}})
    return parts if len(parts) > 1 else user.text
