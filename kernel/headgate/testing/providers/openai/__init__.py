"""OpenAI, and whoever says that they speak as OpenAI does.

What it knows of requests and answers comes from the types of the package `openai`; the sentences of its refusals and
the rules that no type shows follow the API reference and the guide to error codes
(https://platform.openai.com/docs/api-reference, https://platform.openai.com/docs/guides/error-codes).

A compatible provider is this one with other settings: the `prefix` of its paths (`/openai/v1`, `/api/v1`), whether
`stream_options.include_usage` is known (`include_usage`), the field in which it shows reasoning (`reasoning_field`:
`reasoning_content` or `reasoning`; OpenAI's own chat endpoint shows none), and fields of its own (`also`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from headgate.testing.providers.asking import Asked, Endpoint
from headgate.testing.providers.frames import Frame, sse
from headgate.testing.providers.openai.chat import Chat
from headgate.testing.providers.openai.files import files_and_batches
from headgate.testing.providers.openai.lookups import Embeddings, Models, Moderations
from headgate.testing.providers.openai.media import Images, Speech, Transcriptions
from headgate.testing.providers.openai.realtime import realtime
from headgate.testing.providers.openai.responses import Responses
from headgate.testing.providers.openai.responses_stream import error_event
from headgate.testing.providers.says import Fails
from headgate.testing.providers.simulator import Simulator
from headgate.testing.upstreams import Wire

# kind: status, type, code, sentence
REFUSALS: dict[str, tuple[int, str, str | None, str]] = {
    "limited": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again in 2s."),
    "credit": (
        429, "insufficient_quota", "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "key": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: {key}."),
    "forbidden": (403, "invalid_request_error", "unsupported_country_region_territory", "Country not supported."),
    "model": (404, "invalid_request_error", "model_not_found", "The model does not exist or you have no access to it."),
    "bad": (400, "invalid_request_error", None, "The request is not valid."),
    "too_long": (
        400, "invalid_request_error", "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. Please reduce the length of the messages.",
    ),
    "server": (500, "server_error", None, "The server had an error while processing your request. Sorry about that!"),
    "overloaded": (503, "server_error", None, "The engine is currently overloaded, please try again later."),
}  # fmt: skip


class OpenAI(Simulator):
    """A provider that speaks OpenAI's API."""

    name = "openai"
    prefix = "/v1"

    def __init__(
        self,
        *,
        key: str | None = None,
        prefix: str | None = None,
        include_usage: bool = True,
        reasoning_field: str = "",
        also: Iterable[str] = (),
        models: Iterable[str] = ("simulated",),
    ) -> None:
        self._models = tuple(models)
        self._chat = Chat(include_usage=include_usage, reasoning_field=reasoning_field, also=frozenset(also))
        super().__init__(key=key, prefix=prefix)

    def endpoints(self) -> Iterable[Endpoint]:
        return [
            self._chat,
            Responses(),
            Embeddings(),
            Moderations(),
            Models(self._models),
            Images(),
            Speech(),
            Transcriptions(),
            *files_and_batches(),
        ]

    def talk(self, asked: Asked) -> Callable[[Wire], Awaitable[None]]:
        return realtime(self, asked)

    def key_of(self, asked: Asked) -> str:
        return asked.header("authorization").removeprefix("Bearer ").strip() or asked.header("api-key")

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        status, kind, code, sentence = REFUSALS[fails.kind]
        message = fails.message or sentence.format(key=key)
        if fails.kind == "key" and not key:
            message = "You didn't provide an API key. You need to provide your API key in an Authorization header."
        return status, {"error": {"message": message, "type": kind, "param": fails.param, "code": code}}

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        body = self.refusal(fails, "")[1]
        return error_event(body["error"]) if asked.path.endswith("/responses") else sse(body)
