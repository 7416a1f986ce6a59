"""embedContent and batchEmbedContents: https://ai.google.dev/api/embeddings.

1. One text goes to `:embedContent`, several to `:batchEmbedContents`. Google counts neither.
2. Vertex AI has its embeddings elsewhere (`:predict`), and has had since before Gemini:
   https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from headgate.api import Line, NotStrict, decode_strictly
from headgate.api.ai import (
    Came,
    Counted,
    Dropped,
    Embedding,
    Endpoint,
    Garbled,
    Job,
    Made,
    Rendered,
    Sent,
    TaskIn,
    TaskOut,
    Unsupported,
    Vectors,
    Written,
    made_as,
)
from headgate_gemini import names, paths
from headgate_gemini.drawing import ImagesOut

NAME: Final = "gemini"
_HEADERS: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)
_PATH = re.compile(r".*?/(?:models/)?(?P<model>[^/:]+):(?P<method>embedContent|batchEmbedContents)")
_TYPES: Final = {
    "query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT", "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING", "similarity": "SEMANTIC_SIMILARITY",
}  # fmt: skip
_FIELDS: Final = names.Known(("model", "content", "taskType", "title", "outputDimensionality"))
_PURPOSES: Final[dict[Any, Any]] = {word: ours for ours, word in _TYPES.items()}


class _Values(msgspec.Struct):
    values: list[float]


class _Statistics(msgspec.Struct, rename="camel"):
    token_count: float = 0


class _Prediction(msgspec.Struct):
    values: list[float]
    statistics: _Statistics | None = None


class _Predicted(msgspec.Struct):
    embeddings: _Prediction


class _Whole(msgspec.Struct):
    embedding: _Values | None = None
    embeddings: list[_Values] | None = None
    predictions: list[_Predicted] | None = None


_wholes = msgspec.json.Decoder(_Whole)


class EmbedIn:
    """See `TaskIn`. The model stands in the path."""

    def answers(self, path: str) -> bool:
        return _PATH.fullmatch(path) is not None

    def read(self, sent: Sent) -> Job:
        match = _PATH.fullmatch(sent.path)
        assert match is not None
        value = decode_strictly(sent.data)
        requests = value.get("requests") if isinstance(value, dict) and match["method"] != "embedContent" else [value]
        if not isinstance(requests, list) or not requests or not all(isinstance(one, dict) for one in requests):
            raise NotStrict("`requests` has to be a list with at least one request.", "requests")
        model = unquote(match["model"])
        read = [_FIELDS.read(one, "") for one in requests]
        for one in read:
            if one.get("model") not in (None, model, f"models/{model}"):
                raise NotStrict("`model` has to be the model that the path names, or be left out.", "model")
        return Job.of(model, _wants(read), dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        values = [{"values": one} for one in made_as(made, Vectors).vectors]
        single = not job.sent().path.endswith(":batchEmbedContents")
        whole: object = {"embedding": values[0]} if single else {"embeddings": values}
        return Rendered("application/json; charset=UTF-8", msgspec.json.encode(whole))


class EmbedOut:
    """See `TaskOut`."""

    kind: Final = "embedding"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        wants = job.wanted(Embedding)
        if job.as_it_came(NAME) and not to.options.get("project"):
            return _passed(job, to)
        if len(wants.texts) != len(wants.inputs):
            raise Unsupported("It embeds texts, not tokens.", "input")
        dropped = Dropped()
        for name, value in {"user": wants.user, **(wants.extra if job.dialect != NAME else {})}.items():
            dropped.drop(name, value)
        method, body = _predicted(wants) if to.options.get("project") else _asked(wants, job, to)
        path = paths.written(to.model, method, to.options)
        return Written(path, msgspec.json.encode(body), _HEADERS, dropped=dropped.names)

    def read(self, job: Job, came: Came) -> Vectors:
        whole = _decoded(came)
        if whole.predictions is not None:
            vectors = [one.embeddings.values for one in whole.predictions]
            return Vectors(vectors=vectors, counted=_counted(whole))
        many = whole.embeddings if whole.embeddings is not None else [whole.embedding] if whole.embedding else []
        if not many:
            raise Garbled("without an embedding")
        return Vectors(vectors=[one.values for one in many])

    def count(self, job: Job, came: Came) -> Counted | None:
        return _counted(_decoded(came))


TAKES: Final[tuple[TaskIn, ...]] = (EmbedIn(),)
DOES: Final[tuple[TaskOut, ...]] = (EmbedOut(), ImagesOut())


def _wants(requests: list[dict[str, Any]]) -> Embedding:
    first = requests[0]
    known = {"model", "content", "taskType", "outputDimensionality"}
    if any({**one, "content": None} != {**first, "content": None} for one in requests):
        # Only Google takes several wishes at once.
        first = {**first, "requests": "differ"}
    return Embedding(
        inputs=[_words(one.get("content")) for one in requests],
        dimensions=first.get("outputDimensionality"),
        purpose=_PURPOSES.get(first.get("taskType")),
        extra={name: value for name, value in first.items() if name not in known},
    )


def _passed(job: Job, to: Endpoint) -> Written:
    """The client's own JSON, with the model's name, which each request of a batch says again."""
    data, method = job.sent().data, job.sent().path.rpartition(":")[2]
    if job.asked() != to.model:
        body = msgspec.json.decode(data)
        for one in body["requests"] if method == "batchEmbedContents" else [body] if "model" in body else []:
            one["model"] = paths.resource(to.model, to.options)
        data = msgspec.json.encode(body)
    return Written(paths.written(to.model, method, to.options), data, _HEADERS)


def _words(content: Any) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    if isinstance(parts, dict):
        parts = [parts]
    if not isinstance(parts, list) or not all(
        isinstance(one, dict) and isinstance(one.get("text"), str) for one in parts
    ):
        raise NotStrict("`content` has to have `parts` that are texts.", "content")
    return "".join(one["text"] for one in parts)


def _asked(wants: Embedding, job: Job, to: Endpoint) -> tuple[str, Mapping[str, Any]]:
    extra = wants.extra if job.dialect == NAME else {}
    requests = [
        {
            "model": paths.resource(to.model, to.options),
            "content": {"parts": [{"text": text}]},
            **({"taskType": _TYPES[wants.purpose]} if wants.purpose is not None else {}),
            **({"outputDimensionality": wants.dimensions} if wants.dimensions is not None else {}),
            **extra,
        }
        for text in wants.texts
    ]
    if len(requests) == 1 and not job.sent().path.endswith(":batchEmbedContents"):
        return "embedContent", requests[0]
    return "batchEmbedContents", {"requests": requests}


def _predicted(wants: Embedding) -> tuple[str, Mapping[str, Any]]:
    typed = {"task_type": _TYPES[wants.purpose]} if wants.purpose is not None else {}
    sized = {"outputDimensionality": wants.dimensions} if wants.dimensions is not None else {}
    return "predict", {"instances": [{"content": text, **typed} for text in wants.texts], "parameters": sized}


def _decoded(came: Came) -> _Whole:
    try:
        return _wholes.decode(came.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled("with what is no embedding") from None


def _counted(whole: _Whole) -> Counted | None:
    said = [one.embeddings.statistics for one in whole.predictions or ()]
    if not said or None in said:
        return None
    return Counted(input_tokens=int(sum(one.token_count for one in said if one is not None)))
