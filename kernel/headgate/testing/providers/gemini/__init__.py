"""Gemini: generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents.

Both hosts' paths are served: those of the Gemini API (`/v1beta/models/…`) and those of Vertex AI
(`/v1/projects/…/publishers/google/models/…`), the latter with the fields that only it has. Requests and answers are
checked against the types of the package `google-genai`. `Gemini(signatures=True)` asks for thought signatures as
Gemini 3 does (https://ai.google.dev/gemini-api/docs/thought-signatures).
Errors: https://ai.google.dev/gemini-api/docs/troubleshooting. A limit says when to come back in the body
(`google.rpc.RetryInfo`), not in a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headgate.message.headers import Line
from headgate.testing.providers.asking import Asked, Endpoint
from headgate.testing.providers.frames import Frame, sse
from headgate.testing.providers.gemini.content import CountTokens, Generate, StreamGenerate
from headgate.testing.providers.gemini.embed import BatchEmbed, Embed
from headgate.testing.providers.says import Fails
from headgate.testing.providers.simulator import Simulator

# kind: status, name of the status, sentence
REFUSALS = {
    "limited": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "credit": (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key. ({key})"),
    "forbidden": (403, "PERMISSION_DENIED", "Permission denied: the caller does not have permission."),
    "model": (
        404,
        "NOT_FOUND",
        "The model is not found for API version v1beta, or is not supported for generateContent.",
    ),
    "bad": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "too_long": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "server": (500, "INTERNAL", "An internal error has occurred. Please retry."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}


class Gemini(Simulator):
    """A provider that speaks Google's Gemini API, and Vertex AI's form of it."""

    name = "gemini"

    def __init__(self, *, key: str | None = None, prefix: str | None = None, signatures: bool = False) -> None:
        self._signatures = signatures
        super().__init__(key=key, prefix=prefix)

    def endpoints(self) -> Iterable[Endpoint]:
        return [Generate(self._signatures), StreamGenerate(self._signatures), CountTokens(), Embed(), BatchEmbed()]

    def key_of(self, asked: Asked) -> str:
        bearer = asked.header("authorization").removeprefix("Bearer ").strip()
        return asked.header("x-goog-api-key") or asked.query.get("key", "") or bearer

    def refusal(self, fails: Fails, key: str) -> tuple[int, Any]:
        status, name, sentence = REFUSALS[fails.kind]
        if fails.kind == "key" and not key:
            status, name, sentence = 403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers."
        error: dict[str, Any] = {"code": status, "message": fails.message or sentence.format(key=key), "status": name}
        if fails.kind == "key" and key:
            reason = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **reason}]
        if fails.retry_after_s is not None:
            delay = f"{fails.retry_after_s:g}s"
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
        return status, {"error": error}

    def refusal_headers(self, fails: Fails) -> Sequence[Line]:
        return []

    def broken_off(self, fails: Fails, asked: Asked) -> Frame:
        return sse(self.refusal(fails, "")[1])
