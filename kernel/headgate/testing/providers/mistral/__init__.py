"""Mistral: POST /v1/chat/completions and /v1/embeddings, checked against the types of the package `mistralai`.

A body that does not fit its schema is a 422 with `detail`, as its SDK expects; a conversation that breaks a rule is a
400 with an `object` of "error" (https://docs.mistral.ai/api).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headgate.testing.providers.asking import Asked, Endpoint
from headgate.testing.providers.frames import Frame, sse
from headgate.testing.providers.mistral.chat import Chat
from headgate.testing.providers.mistral.embed import Embeddings
from headgate.testing.providers.says import Fails
from headgate.testing.providers.simulator import Simulator

# kind: status, type, code, sentence
REFUSALS = {
    "limited": (429, "rate_limited", "1300", "Rate limit exceeded"),
    "credit": (
        402,
        "payment_required",
        "1301",
        "Your credits are used up. Please check your plan and billing details.",
    ),
    "key": (401, "unauthorized", "1000", "Unauthorized: {key}"),
    "forbidden": (403, "forbidden", "1001", "You do not have access to this resource."),
    "model": (400, "invalid_model", "1500", "Invalid model"),
    "bad": (400, "invalid_request_error", "3230", "The request is not valid."),
    "too_long": (
        400,
        "context_length_exceeded",
        "3051",
        "Prompt contains 131073 tokens, too large for model with 131072 maximum context length",
    ),
    "server": (500, "internal_server_error", "1910", "Internal server error"),
    "overloaded": (503, "service_unavailable", "3505", "Service tier capacity exceeded for this model."),
}


class Mistral(Simulator):
    """A provider that speaks Mistral's API."""

    name = "mistral"
    prefix = "/v1"

    def endpoints(self) -> Iterable[Endpoint]:
        return [Chat(), Embeddings()]

    def key_of(self, asked: Asked) -> str:
        return asked.header("authorization").removeprefix("Bearer ").strip()

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        status, kind, code, sentence = REFUSALS[fails.kind]
        message = fails.message or sentence.format(key=key)
        if fails.param is not None:
            return 422, {"detail": [{"type": "value_error", "loc": ["body", *fails.param.split(".")], "msg": message}]}
        return status, {"object": "error", "message": message, "type": kind, "param": None, "code": code}

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        return sse(self.refusal(fails, "")[1])
