"""POST /v1/embeddings: https://docs.mistral.ai/api/endpoint/embeddings."""

from __future__ import annotations

import re

from mistralai.client import models

from headgate.testing.providers.asking import Asked, Reply, Turn
from headgate.testing.providers.frames import compact
from headgate.testing.providers.mistral.rules import checked
from headgate.testing.providers.says import Tokens
from headgate.testing.providers.strict import conforms
from headgate.testing.providers.vectors import vector


class Embeddings:
    """A vector for each text."""

    method = "POST"
    pattern = re.compile("/embeddings")

    def check(self, asked: Asked) -> None:
        checked(asked, models.EmbeddingRequest)

    def reply(self, turn: Turn) -> Reply:
        body = turn.asked.body
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        size = body.get("output_dimension") or 64
        whole = {
            "id": f"{turn.number:032x}",
            "object": "list",
            "model": body["model"],
            "usage": {"prompt_tokens": turn.tokens.input, "completion_tokens": 0, "total_tokens": turn.tokens.input},
            "data": [
                {"object": "embedding", "index": at, "embedding": vector(text, size)} for at, text in enumerate(texts)
            ],
        }
        conforms(whole, models.EmbeddingResponse)
        return Reply(compact(whole), costs=Tokens(turn.tokens.input))
