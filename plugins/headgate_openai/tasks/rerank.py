"""POST /rerank, as vLLM and others have it: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html."""

from __future__ import annotations

from typing import Final

import msgspec

from headgate.api.ai import Came, Counted, Endpoint, Job, Rank, Ranks, Rerank, Written
from headgate_openai.tasks.fields import NAME, decoded, left_out, written

PATH: Final = b"/rerank"


class _Usage(msgspec.Struct):
    total_tokens: int = 0


class _One(msgspec.Struct):
    index: int
    relevance_score: float


class _Whole(msgspec.Struct):
    results: list[_One]
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


_wholes = msgspec.json.Decoder(_Whole)


class RerankOut:
    """See `TaskOut`. Clients ask in Cohere's dialect."""

    kind: Final = "rerank"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        wants = job.wanted(Rerank)
        fields = {"model": to.model, "query": wants.query, "documents": wants.documents, "top_n": wants.top}
        return written(PATH, fields, left_out(job, wants))

    def read(self, job: Job, came: Came) -> Ranks:
        whole = decoded(came, _wholes, "ranking")
        return Ranks(
            ranks=[Rank(one.index, one.relevance_score) for one in whole.results], id=whole.id, model=whole.model,
            counted=_counted(whole.usage),
        )  # fmt: skip

    def count(self, job: Job, came: Came) -> Counted | None:
        return _counted(decoded(came, _wholes, "ranking").usage)


def _counted(usage: _Usage | None) -> Counted | None:
    return None if usage is None else Counted(input_tokens=usage.total_tokens)
