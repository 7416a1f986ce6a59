"""Cohere: POST /v2/chat, /v2/rerank and /v2/embed, checked against the signatures and types of the package `cohere`.

Errors are an `id` and a `message` (https://docs.cohere.com/reference/errors).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from headgate.testing.providers.asking import Asked, Endpoint
from headgate.testing.providers.cohere.chat import Chat
from headgate.testing.providers.cohere.ranks import Embed, Rerank
from headgate.testing.providers.frames import Frame, sse
from headgate.testing.providers.says import Fails
from headgate.testing.providers.simulator import Simulator

# kind: status, sentence
REFUSALS = {
    "limited": (429, "You are past the per minute request limit, please wait and try again later."),
    "credit": (402, "Please add or update your payment method at the billing page to continue."),
    "key": (401, "invalid api token: {key}"),
    "forbidden": (403, "you are not allowed to use this resource"),
    "model": (404, "model not found, make sure the correct model ID was used and that you have access to the model."),
    "bad": (400, "invalid request"),
    "too_long": (400, "too many tokens: the total number of tokens in the prompt cannot exceed 128000."),
    "server": (500, "internal server error"),
    "overloaded": (503, "service unavailable"),
}


class Cohere(Simulator):
    """A provider that speaks Cohere's API, version 2."""

    name = "cohere"

    def __init__(self, *, key: str | None = None, prefix: str | None = None) -> None:
        self._errors = itertools.count(1)
        super().__init__(key=key, prefix=prefix)

    def endpoints(self) -> Iterable[Endpoint]:
        return [Chat(), Rerank(), Embed()]

    def key_of(self, asked: Asked) -> str:
        return asked.header("authorization").removeprefix("Bearer ").strip()

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        status, sentence = REFUSALS[fails.kind]
        message = fails.message or sentence.format(key=key)
        if fails.kind == "key" and not key:
            message = "no api key supplied"
        return status, {"id": f"{next(self._errors):032x}", "message": message}

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        """A stream that fails ends as a message whose reason is an error."""
        delta = {"finish_reason": "ERROR", "error": REFUSALS[fails.kind][1]}
        return sse({"type": "message-end", "delta": delta}, event="message-end")
