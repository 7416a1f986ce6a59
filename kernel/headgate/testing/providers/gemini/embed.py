"""embedContent and batchEmbedContents: https://ai.google.dev/api/embeddings."""

from __future__ import annotations

import re
from typing import Any, Required, TypedDict

from google.genai import types

from headgate.testing.providers.asking import Asked, Reply, Turn, refuse
from headgate.testing.providers.frames import compact
from headgate.testing.providers.gemini.content import MODEL
from headgate.testing.providers.gemini.rules import canonical, checked
from headgate.testing.providers.says import Tokens
from headgate.testing.providers.strict import conforms
from headgate.testing.providers.vectors import vector


class EmbedContentRequest(TypedDict, total=False):
    """https://ai.google.dev/api/embeddings#request-body."""

    model: str
    content: Required[types.Content]
    taskType: str
    title: str
    outputDimensionality: int


class BatchEmbedContentsRequest(TypedDict, total=False):
    """https://ai.google.dev/api/embeddings#method:-models.batchembedcontents."""

    requests: Required[list[EmbedContentRequest]]


class Embed:
    """One text."""

    method = "POST"
    pattern = re.compile(MODEL + ":embedContent")

    def check(self, asked: Asked) -> None:
        checked(asked, EmbedContentRequest)

    def reply(self, turn: Turn) -> Reply:
        return Reply(compact({"embedding": embedded(canonical(turn.asked.body))}), costs=Tokens(turn.tokens.input))


class BatchEmbed:
    """Several texts; each request names the model of the path again."""

    method = "POST"
    pattern = re.compile(MODEL + ":batchEmbedContents")

    def check(self, asked: Asked) -> None:
        body = checked(asked, BatchEmbedContentsRequest)
        model = asked.path.partition("/models/")[2].partition(":")[0]
        for at, request in enumerate(body["requests"]):
            if request.get("model") != f"models/{model}":
                raise refuse(f"* BatchEmbedContentsRequest.requests[{at}].model: model must match the one in the path")

    def reply(self, turn: Turn) -> Reply:
        whole = {"embeddings": [embedded(request) for request in canonical(turn.asked.body)["requests"]]}
        conforms(whole, types.EmbedContentResponse)
        return Reply(compact(whole), costs=Tokens(turn.tokens.input))


def embedded(request: dict[str, Any]) -> dict[str, Any]:
    """The embedding of a request's text."""
    text = "".join(part.get("text", "") for part in request["content"]["parts"])
    values = {"values": vector(text, request.get("outputDimensionality") or 64)}
    conforms(values, types.ContentEmbedding)
    return values
