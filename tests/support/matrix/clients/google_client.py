"""Google's SDK."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, ClassVar

from google import genai
from google.genai import errors, types

from matrix.asks import IMAGE_URL, PDF, PNG, Ask, Called, Fault, Heard, Results, Turn, User
from matrix.clients.base import MODEL, TIMEOUT_S


class GoogleClient:
    """`genai.Client().models`."""

    name: ClassVar = "google-genai"
    sdk: ClassVar = "google-genai"
    dialect: ClassVar = "gemini"
    path: ClassVar = "/v1/models/{call}"
    stops: ClassVar = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP", "sequence": "STOP"}
    faults: ClassVar = {400: "ClientError", 401: "ClientError", 429: "ClientError", 502: "ServerError"}

    def __init__(self, base: str, key: str) -> None:
        options = types.HttpOptions(base_url=base, timeout=int(TIMEOUT_S * 1000))
        self.sdk_client = genai.Client(api_key=key, http_options=options)

    def whole(self, ask: Ask) -> Heard:
        return _heard([self.sdk_client.models.generate_content(**_request(ask))])

    def stream(self, ask: Ask) -> Heard:
        return _heard(list(self.events(ask)))

    def events(self, ask: Ask) -> Iterator[Any]:
        stream = self.sdk_client.models.generate_content_stream(**_request(ask))
        try:
            yield from stream
        finally:
            stream.close()  # type: ignore[attr-defined]

    def fault(self, error: Exception) -> Fault:
        if not isinstance(error, errors.APIError):
            return Fault(type(error).__name__, None, str(error))
        after = error.response.headers.get("retry-after") if error.response is not None else None
        return Fault(type(error).__name__, error.code, f"{error} {error.details}", after)

    def close(self) -> None:
        self.sdk_client.close()


def _heard(chunks: list[Any]) -> Heard:
    heard, parts = Heard(), list[Any]()
    for chunk in chunks:
        for candidate in chunk.candidates or ():
            parts += (candidate.content.parts or ()) if candidate.content is not None else ()
            heard.stop = candidate.finish_reason.value if candidate.finish_reason else heard.stop
        usage = chunk.usage_metadata
        if usage is not None:
            heard.input, heard.cached = usage.prompt_token_count, usage.cached_content_token_count
            heard.output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    for part in parts:
        if part.function_call is not None:
            call = part.function_call
            heard.calls.append(Called(call.id or "", call.name, call.args or {}))
            heard.fragments += 1
        elif part.text and part.thought:
            heard.thoughts += part.text
        elif part.text:
            heard.text += part.text
            heard.pieces += 1
    heard.native = types.Content(role="model", parts=parts)
    return heard


def _request(ask: Ask) -> Any:
    config = types.GenerateContentConfig(
        max_output_tokens=ask.max_tokens, temperature=ask.temperature, top_k=ask.top_k, seed=ask.seed,
        system_instruction=ask.system or None, stop_sequences=[ask.stop] if ask.stop else None,
        presence_penalty=ask.penalty, frequency_penalty=ask.penalty,
    )  # fmt: skip
    if ask.tools:
        declared = [
            types.FunctionDeclaration(name=name, description="It.", parameters_json_schema=schema)
            for name, schema in ask.tools.items()
        ]
        config.tools = [types.Tool(function_declarations=declared)]
        config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    if ask.must_call:
        mode = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
        config.tool_config = types.ToolConfig(function_calling_config=mode)
    if ask.schema is not None or ask.json_mode:
        config.response_mime_type = "application/json"
        config.response_json_schema = ask.schema
    if ask.thinks:
        config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    return {"model": MODEL, "contents": [_content(turn) for turn in ask.turns], "config": config}


def _content(turn: Turn) -> types.Content:
    if isinstance(turn, Heard):
        content: types.Content = turn.native
        return content
    if isinstance(turn, Results):
        given = [
            types.FunctionResponse(id=call.id or None, name=call.name, response={"result": text})
            for call, text in turn.pairs()
        ]
        return types.Content(role="user", parts=[types.Part(function_response=one) for one in given])
    return types.Content(role="user", parts=_parts(turn))


def _parts(user: User) -> list[types.Part]:
    parts = [types.Part(text=user.text)]
    if user.image:
        parts.append(types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png"))
    if user.image_url:
        parts.append(types.Part.from_uri(file_uri=IMAGE_URL, mime_type="image/png"))
    if user.file:
        parts.append(types.Part.from_bytes(data=base64.b64decode(PDF), mime_type="application/pdf"))
    return parts
