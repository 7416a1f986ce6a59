"""Rerank and embed, as Cohere's clients ask for them and as Cohere is asked.

https://docs.cohere.com/reference/rerank, https://docs.cohere.com/reference/embed. Clients of version 1 rerank too, and
those of others (Jina's, vLLM's) at `/rerank`: they are read, and answered in one form that all of them understand; only
what came to `/v2` passes as it came.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from headgate.api import Line, NotStrict, decode_strictly, refuse_lookalikes
from headgate.api.ai import (
    Came,
    Counted,
    Dropped,
    Embedding,
    Endpoint,
    Garbled,
    Job,
    Made,
    Rank,
    Ranks,
    Rendered,
    Rerank,
    Sent,
    TaskIn,
    TaskOut,
    Unsupported,
    Vectors,
    Written,
    made_as,
)
from headgate_cohere.facts import NAME

_HEADERS: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)
_RANKS: Final = frozenset({"model", "query", "documents", "top_n", "return_documents"})
_EMBEDS: Final = frozenset({"model", "texts", "input_type", "embedding_types", "output_dimension"})
# What came in version 1 is no request for version 2.
_OLD: Final = "cohere-v1"
# What Cohere calls what vectors are for.
_PURPOSES: Final = {
    "query": "search_query", "document": "search_document", "classification": "classification",
    "clustering": "clustering", "similarity": "clustering",
}  # fmt: skip
_FOR: Final[dict[str, Any]] = {
    "search_query": "query", "search_document": "document", "classification": "classification", "clustering": "clustering",
}  # fmt: skip
_CODINGS: Final = frozenset({"float", "base64"})
T = TypeVar("T")


class _Units(msgspec.Struct):
    input_tokens: float = 0
    search_units: float = 0


class _Meta(msgspec.Struct):
    billed_units: _Units | None = None


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Ranking(msgspec.Struct):
    results: list[_Result]
    id: str | None = None
    meta: _Meta | None = None


class _ByType(msgspec.Struct):
    float_: list[list[float]] | None = msgspec.field(default=None, name="float")
    base64: list[str] | None = None


class _Embedded(msgspec.Struct):
    embeddings: _ByType
    id: str | None = None
    meta: _Meta | None = None


class _Used(msgspec.Struct):
    meta: _Meta | None = None


_rankings = msgspec.json.Decoder(_Ranking)
_embedded = msgspec.json.Decoder(_Embedded)
_used = msgspec.json.Decoder(_Used)
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])


class RerankIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith("/rerank")

    def read(self, sent: Sent) -> Job:
        value = _object(sent, _RANKS)
        documents = value.get("documents")
        if not isinstance(documents, list) or not documents:
            raise NotStrict("`documents` has to be a list with at least one text.", "documents")
        top = value.get("top_n")
        if top is not None and (not isinstance(top, int) or isinstance(top, bool) or top < 1):
            raise NotStrict("`top_n` has to be a whole number above 0.", "top_n")
        wants = Rerank(
            query=_text(value, "query"),
            documents=[_document(one, place) for place, one in enumerate(documents)],
            top=top,
            shows=value.get("return_documents") is True,
            extra={name: one for name, one in value.items() if name not in _RANKS},
        )
        dialect = NAME if sent.path.endswith("/v2/rerank") else _OLD
        return Job.of(_text(value, "model"), wants, dialect=dialect, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        wants, ranks = job.wanted(Rerank), made_as(made, Ranks)
        results: list[dict[str, Any]] = [{"index": one.index, "relevance_score": one.score} for one in ranks.ranks]
        if wants.shows:
            for one in results:
                one["document"] = {"text": wants.documents[one["index"]]}
        version = {"version": "2" if job.dialect == NAME else "1"}
        meta: dict[str, Any] = {"api_version": version}
        if ranks.counted is not None and ranks.counted.searches:
            meta["billed_units"] = {"search_units": ranks.counted.searches}
        return _rendered({"id": ranks.id or "rerank-1", "results": results, "meta": meta})


class RerankOut:
    """See `TaskOut`."""

    kind: Final = "rerank"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        path = str(to.options.get("path", "")).encode() + b"/rerank"
        if job.as_it_came(NAME):
            return _passed(job, to, path)
        wants = job.wanted(Rerank)
        fields = {"model": to.model, "query": wants.query, "documents": wants.documents, "top_n": wants.top}
        return _written(path, fields, _left(wants.extra))

    def read(self, job: Job, came: Came) -> Ranks:
        whole = _decoded(came, _rankings, "ranking")
        count = len(job.wanted(Rerank).documents)
        if any(not 0 <= one.index < count for one in whole.results):
            raise Garbled("with a ranking of documents that were not sent")
        ranks = [Rank(one.index, one.relevance_score) for one in whole.results]
        return Ranks(ranks=ranks, id=whole.id, counted=_counted(whole.meta))

    def count(self, job: Job, came: Came) -> Counted | None:
        return _counted(_decoded(came, _used, "ranking").meta)


class EmbedIn:
    """See `TaskIn`. Texts alone are read; pictures and other inputs only Cohere can embed, to which they pass."""

    def answers(self, path: str) -> bool:
        return path.endswith("/v2/embed")

    def read(self, sent: Sent) -> Job:
        value = _object(sent, _EMBEDS)
        texts = value.get("texts") or []
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise NotStrict("`texts` has to be a list of texts.", "texts")
        others = {name: one for name, one in value.items() if name not in _EMBEDS}
        if not texts and not {"images", "inputs"} & others.keys():
            raise NotStrict("`texts` has to be a list with at least one text.", "texts")
        kinds = value.get("embedding_types") or ["float"]
        if not isinstance(kinds, list) or not all(isinstance(one, str) for one in kinds):
            raise NotStrict("`embedding_types` has to be a list of words.", "embedding_types")
        purpose = _FOR.get(_text(value, "input_type"))
        wants = Embedding(
            inputs=list(texts),
            dimensions=value.get("output_dimension"),
            encoding="base64" if kinds == ["base64"] else "float",
            purpose=purpose,
            extra={**others, "embedding_types": kinds} if not _CODINGS.issuperset(kinds) else others,
        )
        return Job.of(_text(value, "model"), wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        wants, vectors = job.wanted(Embedding), made_as(made, Vectors)
        said: dict[str, Any] = {"float": vectors.vectors}
        if wants.encoding == "base64":
            said = {"base64": [_coded(one) for one in vectors.vectors]}
        tokens = (vectors.counted or Counted()).input_tokens
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}}
        return _rendered({
            "id": vectors.id or "embed-1", "embeddings": said, "texts": wants.texts, "meta": meta,
            "response_type": "embeddings_by_type",
        })  # fmt: skip


class EmbedOut:
    """See `TaskOut`."""

    kind: Final = "embedding"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        path = str(to.options.get("path", "")).encode() + b"/embed"
        if job.as_it_came(NAME):
            return _passed(job, to, path)
        wants = job.wanted(Embedding)
        if len(wants.texts) != len(wants.inputs):
            raise Unsupported("It embeds texts, not tokens.", "input")
        dropped = _left(wants.extra)
        dropped.drop("user", wants.user)
        # Cohere wants to be told; what nobody said is most often a document to be found.
        purpose = _PURPOSES[wants.purpose or "document"]
        fields = {
            "model": to.model, "texts": wants.texts, "input_type": purpose, "embedding_types": ["float"],
            "output_dimension": wants.dimensions,
        }  # fmt: skip
        return _written(path, fields, dropped)

    def read(self, job: Job, came: Came) -> Vectors:
        whole = _decoded(came, _embedded, "list of embeddings")
        if whole.embeddings.float_ is None:
            raise Garbled("without embeddings in numbers")
        return Vectors(vectors=whole.embeddings.float_, id=whole.id, counted=_counted(whole.meta))

    def count(self, job: Job, came: Came) -> Counted | None:
        return _counted(_decoded(came, _used, "list of embeddings").meta)


TAKES: Final[tuple[TaskIn, ...]] = (RerankIn(), EmbedIn())
DOES: Final[tuple[TaskOut, ...]] = (RerankOut(), EmbedOut())


def _object(sent: Sent, known: frozenset[str]) -> dict[str, Any]:
    value = decode_strictly(sent.data)
    if not isinstance(value, dict):
        raise NotStrict("The body has to be a JSON object.")
    refuse_lookalikes(value, known)
    return value


def _text(value: Mapping[str, Any], name: str) -> str:
    said = value.get(name)
    if not isinstance(said, str) or not said:
        raise NotStrict(f"`{name}` has to be a text that is not empty.", name)
    return said


def _document(one: Any, place: int) -> str:
    said = one.get("text") if isinstance(one, dict) else one
    if not isinstance(said, str):
        raise NotStrict(f"`documents[{place}]` has to be a text.", f"documents[{place}]")
    return said


def _passed(job: Job, to: Endpoint, path: bytes) -> Written:
    data = job.sent().data
    if job.asked() != to.model:
        data = msgspec.json.encode({**_raws.decode(data), "model": to.model})
    return Written(path, data, _HEADERS)


def _written(path: bytes, fields: Mapping[str, Any], dropped: Dropped) -> Written:
    body = {name: value for name, value in fields.items() if value is not None}
    return Written(path, msgspec.json.encode(body), _HEADERS, dropped=dropped.names)


def _left(extra: Mapping[str, Any]) -> Dropped:
    dropped = Dropped()
    for name, value in extra.items():
        dropped.drop(name, value)
    return dropped


def _decoded(came: Came, decoder: msgspec.json.Decoder[T], what: str) -> T:
    try:
        return decoder.decode(came.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled(f"with what is no {what}") from None


def _counted(meta: _Meta | None) -> Counted | None:
    units = meta.billed_units if meta is not None else None
    if units is None:
        return None
    return Counted(input_tokens=int(units.input_tokens), searches=int(units.search_units))


def _coded(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _rendered(value: Mapping[str, Any]) -> Rendered:
    return Rendered("application/json", msgspec.json.encode(value))
