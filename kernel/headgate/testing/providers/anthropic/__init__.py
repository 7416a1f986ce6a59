"""Anthropic: POST /v1/messages, whole and as a stream, and POST /v1/messages/count_tokens.

Requests and answers are checked against the types of the package `anthropic`, which describe version 2026-10-21. The
header `anthropic-version` decides: 2023-06-01 still takes `temperature`, `top_p` and `top_k`, 2026-10-21 refuses them,
documents in an assistant's message, and citations in a user's text.
Errors: https://platform.claude.com/docs/en/api/errors. Versions: https://platform.claude.com/docs/en/api/versioning.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from headgate.testing.providers.anthropic.messages import CountTokens, Messages
from headgate.testing.providers.anthropic.rules import VERSIONS
from headgate.testing.providers.asking import Asked, Endpoint, refuse
from headgate.testing.providers.frames import Frame, sse
from headgate.testing.providers.says import Fails
from headgate.testing.providers.simulator import Simulator

# kind: status, type, sentence
REFUSALS = {
    "limited": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "credit": (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    "key": (401, "authentication_error", "invalid x-api-key: {key}"),
    "forbidden": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "model": (404, "not_found_error", "model: not found"),
    "bad": (400, "invalid_request_error", "The request is not valid."),
    "too_long": (400, "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
    "server": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}


class Anthropic(Simulator):
    """A provider that speaks Anthropic's Messages API."""

    name = "anthropic"

    def __init__(self, *, key: str | None = None, prefix: str | None = None) -> None:
        self._requests = itertools.count(1)
        super().__init__(key=key, prefix=prefix)

    def endpoints(self) -> Iterable[Endpoint]:
        return [Messages(), CountTokens()]

    def key_of(self, asked: Asked) -> str:
        return asked.header("x-api-key") or asked.header("authorization").removeprefix("Bearer ").strip()

    def admit(self, asked: Asked) -> None:
        super().admit(asked)
        if not (version := asked.header("anthropic-version")):
            raise refuse("anthropic-version: header is required")
        if version not in VERSIONS:
            raise refuse(f'anthropic-version: "{version}" is not a valid version.')

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        status, kind, sentence = REFUSALS[fails.kind]
        message = fails.message or sentence.format(key=key)
        if fails.kind == "key" and not key:
            message = "x-api-key header is required"
        error = {"type": kind, "message": message}
        return status, {"type": "error", "error": error, "request_id": f"req_{next(self._requests):024d}"}

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        return sse(self.refusal(fails, "")[1], event="error")
