"""POST /embeddings and /moderations, GET /models: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

import base64
import re
import struct
from typing import Any

from openai.types import (
    CreateEmbeddingResponse,
    EmbeddingCreateParams,
    Model,
    ModerationCreateParams,
    ModerationCreateResponse,
)
from openai.types.moderation import CategoryAppliedInputTypes

from headgate.testing.providers.asking import Asked, Reply, Turn, refuse
from headgate.testing.providers.frames import compact
from headgate.testing.providers.openai.refusing import checked, in_range
from headgate.testing.providers.says import Flags, Tokens
from headgate.testing.providers.strict import conforms, fields_of
from headgate.testing.providers.vectors import vector


class Embeddings:
    """A vector for each input, as numbers or in base64."""

    method = "POST"
    pattern = re.compile("/embeddings")

    def check(self, asked: Asked) -> None:
        body = checked(asked, EmbeddingCreateParams)
        in_range(body, "dimensions", 1, 3072)
        if not body["input"] or "" in _inputs(body["input"]):
            raise refuse("Invalid 'input': input cannot be an empty string or an empty array.", param="input")
        if len(_inputs(body["input"])) > 2048:
            raise refuse("Invalid 'input': array too long. Expected an array with maximum length 2048.", param="input")

    def reply(self, turn: Turn) -> Reply:
        body = turn.asked.body
        vectors = [vector(str(each), body.get("dimensions") or 64) for each in _inputs(body["input"])]
        whole: dict[str, Any] = {
            "object": "list",
            "model": body["model"],
            "data": [{"object": "embedding", "index": at, "embedding": values} for at, values in enumerate(vectors)],
            "usage": {"prompt_tokens": turn.tokens.input, "total_tokens": turn.tokens.input},
        }
        conforms(whole, CreateEmbeddingResponse)
        if body.get("encoding_format") == "base64":
            for each in whole["data"]:
                each["embedding"] = base64.b64encode(
                    struct.pack(f"<{len(each['embedding'])}f", *each["embedding"])
                ).decode()
        return Reply(compact(whole), costs=Tokens(turn.tokens.input))


def _inputs(given: Any) -> list[Any]:
    """One text or one list of tokens is one input."""
    single = isinstance(given, str) or (given and isinstance(given[0], int))
    return [given] if single else given


class Moderations:
    """Verdicts: what the script flags is flagged of every input. They are free."""

    method = "POST"
    pattern = re.compile("/moderations")

    def check(self, asked: Asked) -> None:
        checked(asked, ModerationCreateParams)

    def reply(self, turn: Turn) -> Reply:
        given = turn.asked.body["input"]
        count = len(given) if isinstance(given, list) and all(isinstance(each, str) for each in given) else 1
        model = turn.asked.body.get("model") or "omni-moderation-latest"
        whole = {"id": f"modr-{turn.number}", "model": model, "results": [verdict(turn) for _ in range(count)]}
        conforms(whole, ModerationCreateResponse)
        return Reply(compact(whole), costs=Tokens())


def verdict(turn: Turn) -> dict[str, Any]:
    """One result, with every category that the SDK knows."""
    flags = {
        name: score for part in turn.says.content if isinstance(part, Flags) for name, score in part.scores.items()
    }
    names = list(fields_of(CategoryAppliedInputTypes))
    scores = {name: flags.get(name, 0.0001) for name in names}
    return {
        "flagged": any(score >= 0.5 for score in scores.values()),
        "categories": {name: score >= 0.5 for name, score in scores.items()},
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in names},
    }


class Models:
    """The models that there are."""

    method = "GET"
    pattern = re.compile("/models")

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def check(self, asked: Asked) -> None:
        """Nothing is sent with it."""

    def reply(self, turn: Turn) -> Reply:
        models = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "simulated"} for name in self._names
        ]
        for each in models:
            conforms(each, Model)
        return Reply(compact({"object": "list", "data": models}), costs=Tokens())
