"""Mistral's SDK."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from matrix.asks import IMAGE_URL, PDF, PNG, Ask, Called, Fault, Heard, Results, Turn, User, args
from matrix.clients.base import MODEL, TIMEOUT_S


class MistralClient:
    """`Mistral().chat`."""

    name: ClassVar = "mistralai"
    sdk: ClassVar = "mistralai"
    dialect: ClassVar = "mistral"
    path: ClassVar = "/v1/chat/completions"
    stops: ClassVar = {"stop": "stop", "length": "length", "tools": "tool_calls", "sequence": "stop"}
    faults: ClassVar = {400: "SDKError", 401: "SDKError", 429: "SDKError", 502: "SDKError"}

    def __init__(self, base: str, key: str) -> None:
        self.sdk_client = Mistral(api_key=key, server_url=base, timeout_ms=int(TIMEOUT_S * 1000))

    def whole(self, ask: Ask) -> Heard:
        said = self.sdk_client.chat.complete(**_request(ask))
        choice = said.choices[0]
        message: Any = choice.message
        heard = Heard(stop=choice.finish_reason, native=message)
        _say(heard, message.content)
        for call in message.tool_calls or ():
            heard.calls.append(Called(call.id, call.function.name, _arguments(call)))
        _count(heard, said.usage)
        return heard

    def stream(self, ask: Ask) -> Heard:
        heard = Heard()
        calls: dict[int, dict[str, Any]] = {}
        contents: list[Any] = []
        for event in self.events(ask):
            chunk = event.data
            if chunk.usage is not None:
                _count(heard, chunk.usage)
            # As programs do that were written for Mistral: there is always a choice.
            for choice in (chunk.choices[0], *chunk.choices[1:]):
                heard.stop = choice.finish_reason or heard.stop
                heard.pieces += _say(heard, choice.delta.content)
                contents += choice.delta.content if isinstance(choice.delta.content, list) else []
                for each in choice.delta.tool_calls or ():
                    heard.fragments += _grow(calls, each)
        made = [calls[index] for index in sorted(calls)]
        heard.calls = [Called(one["id"], one["function"]["name"], args(one["function"]["arguments"])) for one in made]
        words = [{"type": "text", "text": heard.text}] if heard.text else []
        heard.native = {"role": "assistant", "content": [*contents, *words] if contents else heard.text}
        heard.native |= {"tool_calls": made} if made else {}
        return heard

    def events(self, ask: Ask) -> Iterator[Any]:
        with self.sdk_client.chat.stream(**_request(ask)) as stream:
            yield from stream

    def fault(self, error: Exception) -> Fault:
        if not isinstance(error, MistralError):
            return Fault(type(error).__name__, None, str(error))
        return Fault(type(error).__name__, error.status_code, f"{error} {error.body}", error.headers.get("retry-after"))

    def close(self) -> None:
        client = self.sdk_client.sdk_configuration.client
        if client is not None:
            client.close()


def _say(heard: Heard, content: Any) -> int:
    """Text is a text or a chunk; thoughts are chunks."""
    before = len(heard.text)
    if isinstance(content, str):
        heard.text += content
    for part in content if isinstance(content, list) else ():
        if part.type == "text":
            heard.text += part.text
        elif part.type == "thinking":
            heard.thoughts += "".join(one.text for one in part.thinking)
    return len(heard.text) > before


def _count(heard: Heard, usage: Any) -> None:
    heard.input, heard.output = usage.prompt_tokens, usage.completion_tokens


def _arguments(call: Any) -> Any:
    given = call.function.arguments
    return args(given) if isinstance(given, str) else given


def _grow(calls: dict[int, dict[str, Any]], each: Any) -> int:
    new = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    one = calls.setdefault(each.index or 0, new)
    if each.id and each.id != "null":
        one["id"] = each.id
    one["function"]["name"] = each.function.name or one["function"]["name"]
    one["function"]["arguments"] += each.function.arguments or ""
    return bool(each.function.arguments)


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
        request["tool_choice"] = "any"
    if ask.schema is not None:
        schema = {"name": "answer", "schema": ask.schema, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    if ask.json_mode:
        request["response_format"] = {"type": "json_object"}
    if ask.thinks:
        request["reasoning_effort"] = "high"
    if ask.penalty is not None:
        request["presence_penalty"] = request["frequency_penalty"] = ask.penalty
    given = {
        "stop": [ask.stop] if ask.stop else None,
        "random_seed": ask.seed,
        "top_k": ask.top_k,
        "temperature": ask.temperature,
    }
    return request | {name: value for name, value in given.items() if value is not None}


def _messages(turn: Turn) -> list[Any]:
    if isinstance(turn, Heard):
        return [turn.native]
    if isinstance(turn, Results):
        return [
            {"role": "tool", "tool_call_id": call.id, "name": call.name, "content": text} for call, text in turn.pairs()
        ]
    return [{"role": "user", "content": _content(turn)}]


def _content(user: User) -> Any:
    parts: list[Any] = [{"type": "text", "text": user.text}]
    if user.image:
        parts.append({"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"})
    if user.image_url:
        parts.append({"type": "image_url", "image_url": IMAGE_URL})
    if user.file:
        parts.append(
            {"type": "document_url", "document_name": "a.pdf", "document_url": f"data:application/pdf;base64,{PDF}"}
        )
    return parts if len(parts) > 1 else user.text
