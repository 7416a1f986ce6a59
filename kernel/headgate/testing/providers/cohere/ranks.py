"""POST /v2/rerank and /v2/embed: https://docs.cohere.com/v2/reference/rerank, https://docs.cohere.com/v2/reference/embed."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable
from functools import cached_property
from typing import Any

from cohere.types import EmbedByTypeResponse
from cohere.v2.raw_client import RawV2Client
from cohere.v2.types import V2RerankResponse

from headgate.testing.providers.asking import Asked, Reply, Turn, refuse
from headgate.testing.providers.cohere.rules import checked, request_of
from headgate.testing.providers.frames import compact
from headgate.testing.providers.says import Tokens
from headgate.testing.providers.strict import conforms
from headgate.testing.providers.vectors import likeness, vector


class Rerank:
    """Documents by how many words of the query they have. It is paid by the search."""

    method = "POST"
    pattern = re.compile("/v2/rerank")

    @cached_property
    def _request(self) -> Any:
        return request_of(RawV2Client.rerank)

    def check(self, asked: Asked) -> None:
        body = checked(asked, self._request)
        if not body["documents"]:
            raise refuse("invalid request: list of documents must not be empty")
        if not body["query"]:
            raise refuse("invalid request: query must not be empty")
        if body.get("top_n") is not None and body["top_n"] < 1:
            raise refuse("invalid request: top_n must be greater than 0")

    def reply(self, turn: Turn) -> Reply:
        body = turn.asked.body
        scores = [(likeness(body["query"], text), at) for at, text in enumerate(body["documents"])]
        best = sorted(scores, key=lambda each: (-each[0], each[1]))[: body.get("top_n")]
        whole = {
            "id": f"{turn.number:08x}-0000-4000-8000-000000000001",
            "results": [{"index": at, "relevance_score": score} for score, at in best],
            "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
        }
        conforms(whole, V2RerankResponse)
        return Reply(compact(whole), costs=Tokens(units=1))


class Embed:
    """Vectors of each type that was asked for."""

    method = "POST"
    pattern = re.compile("/v2/embed")

    @cached_property
    def _request(self) -> Any:
        return request_of(RawV2Client.embed)

    def check(self, asked: Asked) -> None:
        body = checked(asked, self._request)
        if sum(body.get(name) is not None for name in ("texts", "images", "inputs")) != 1:
            raise refuse("invalid request: exactly one of texts, images or inputs must be specified")

    def reply(self, turn: Turn) -> Reply:
        body = turn.asked.body
        texts = body.get("texts") or body.get("images") or [str(each) for each in body.get("inputs") or ()]
        vectors = [vector(text, body.get("output_dimension") or 64) for text in texts]
        kinds = body.get("embedding_types") or ["float"]
        whole = {
            "id": f"{turn.number:08x}-0000-4000-8000-000000000002",
            "response_type": "embeddings_by_type",
            "embeddings": {kind: [AS[kind](each) for each in vectors] for kind in kinds},
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": turn.tokens.input}},
            **({"texts": body["texts"]} if body.get("texts") else {}),
        }
        conforms(whole, EmbedByTypeResponse)
        return Reply(compact(whole), costs=Tokens(turn.tokens.input))


def _bits(values: list[float], offset: int) -> list[int]:
    """Eight signs a byte."""
    signs = [int(value > 0) for value in values]
    return [int("".join(map(str, signs[at : at + 8])), 2) - offset for at in range(0, len(signs), 8)]


AS: dict[str, Callable[[list[float]], Any]] = {
    "float": list,
    "int8": lambda values: [round(value * 127) for value in values],
    "uint8": lambda values: [round(value * 127) + 128 for value in values],
    "binary": lambda values: _bits(values, 128),
    "ubinary": lambda values: _bits(values, 0),
    "base64": lambda values: base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode(),
}
