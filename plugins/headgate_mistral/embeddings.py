"""POST /v1/embeddings, as Mistral has it: https://docs.mistral.ai/api/endpoint/embeddings.

OpenAI's, but for names: `output_dimension` for `dimensions`, `output_dtype` for numbers that are none. Mistral's clients
send to the path that OpenAI's send to, so that a line that reads for them says `dialect=mistral`.
"""

from __future__ import annotations

from typing import Any, Final

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
    Rendered,
    Sent,
    TaskIn,
    TaskOut,
    Unsupported,
    Vectors,
    Written,
    made_as,
)

NAME: Final = "mistral"
PATH: Final = b"/embeddings"
_HEADERS: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)
_KNOWN: Final = frozenset({"model", "input", "output_dimension", "output_dtype", "encoding_format"})


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0


class _One(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Whole(msgspec.Struct):
    data: list[_One]
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class _Used(msgspec.Struct):
    usage: _Usage | None = None


_wholes = msgspec.json.Decoder(_Whole)
_used = msgspec.json.Decoder(_Used)
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])


class EmbeddingsIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith("/embeddings")

    def read(self, sent: Sent) -> Job:
        value = decode_strictly(sent.data)
        if not isinstance(value, dict):
            raise NotStrict('The body has to be a JSON object: {"model": …, "input": …}.')
        refuse_lookalikes(value, _KNOWN)
        given = value.get("input")
        inputs = [given] if isinstance(given, str) else given
        if not isinstance(inputs, list) or not inputs or not all(isinstance(one, str) and one for one in inputs):
            raise NotStrict("`input` has to be a text, or a list of texts, none of them empty.", "input")
        if not isinstance(value.get("model"), str) or not value["model"]:
            raise NotStrict("`model` has to be the name of a model.", "model")
        extra = {name: one for name, one in value.items() if name in ("output_dtype", "metadata")}
        wants = Embedding(inputs=list(inputs), dimensions=value.get("output_dimension"), extra=extra)
        return Job.of(value["model"], wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        vectors = made_as(made, Vectors)
        tokens = (vectors.counted or Counted()).input_tokens
        whole: dict[str, Any] = {
            "id": vectors.id or "embd-1",
            "object": "list",
            "data": [
                {"object": "embedding", "index": place, "embedding": one}
                for place, one in enumerate(vectors.vectors)
            ],
            "model": vectors.model or job.model,
            "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
        }  # fmt: skip
        return Rendered("application/json", msgspec.json.encode(whole))


class EmbeddingsOut:
    """See `TaskOut`."""

    kind: Final = "embedding"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        if job.as_it_came(NAME):
            data = job.sent().data
            if job.asked() != to.model:
                data = msgspec.json.encode({**_raws.decode(data), "model": to.model})
            return Written(PATH, data, _HEADERS)
        wants = job.wanted(Embedding)
        if len(wants.texts) != len(wants.inputs):
            raise Unsupported("It embeds texts, not tokens.", "input")
        dropped = Dropped()
        for name, value in {"input_type": wants.purpose, "user": wants.user, **wants.extra}.items():
            dropped.drop(name, value)
        body: dict[str, Any] = {"model": to.model, "input": wants.texts}
        if wants.dimensions is not None:
            body["output_dimension"] = wants.dimensions
        return Written(PATH, msgspec.json.encode(body), _HEADERS, dropped=dropped.names)

    def read(self, job: Job, came: Came) -> Vectors:
        whole = _decoded(came, _wholes)
        vectors = [one.embedding for one in sorted(whole.data, key=lambda one: one.index)]
        return Vectors(vectors=vectors, id=whole.id, model=whole.model, counted=_counted(whole.usage))

    def count(self, job: Job, came: Came) -> Counted | None:
        return _counted(_decoded(came, _used).usage)


TAKES: Final[tuple[TaskIn, ...]] = (EmbeddingsIn(),)
DOES: Final[tuple[TaskOut, ...]] = (EmbeddingsOut(),)


def _decoded(came: Came, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(came.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled("with what is no list of embeddings") from None


def _counted(usage: _Usage | None) -> Counted | None:
    return None if usage is None else Counted(input_tokens=usage.prompt_tokens)
