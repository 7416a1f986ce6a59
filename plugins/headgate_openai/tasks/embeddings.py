"""POST /embeddings: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

import base64
import struct
from array import array
from typing import Any, Final

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import (
    Came,
    Counted,
    Embedding,
    Endpoint,
    Garbled,
    Job,
    Made,
    Rendered,
    Sent,
    Vectors,
    Written,
    made_as,
)
from headgate_openai.tasks.fields import (
    NAME,
    body_of,
    decoded,
    left_out,
    maybe_count,
    maybe_text,
    passed,
    rest,
    text,
    written,
)

_KNOWN: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_MOST: Final = 2048
PATH: Final = b"/embeddings"


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0


class _One(msgspec.Struct):
    embedding: list[float] | str
    index: int = 0


class _Whole(msgspec.Struct):
    data: list[_One]
    model: str | None = None
    usage: _Usage | None = None


class _Used(msgspec.Struct):
    usage: _Usage | None = None


_wholes = msgspec.json.Decoder(_Whole)
_used = msgspec.json.Decoder(_Used)


class EmbeddingsIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith("/embeddings")

    def read(self, sent: Sent) -> Job:
        value = body_of(sent, _KNOWN, '{"model": …, "input": …}')
        encoding: Any = value.get("encoding_format") or "float"
        if encoding not in ("float", "base64"):
            raise NotStrict("`encoding_format` has to be `float` or `base64`.", "encoding_format")
        wants = Embedding(
            inputs=_inputs(value.get("input")),
            dimensions=maybe_count(value, "dimensions"),
            encoding=encoding,
            user=maybe_text(value, "user"),
            extra=rest(value, _KNOWN),
        )
        return Job.of(text(value, "model"), wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        wants, vectors = job.wanted(Embedding), made_as(made, Vectors).vectors
        tokens = (made.counted or Counted()).input_tokens
        coded = _as_base64 if wants.encoding == "base64" else _as_it_is
        whole = {
            "object": "list",
            "data": [
                {"object": "embedding", "index": place, "embedding": coded(vector)}
                for place, vector in enumerate(vectors)
            ],
            "model": made.model or job.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
        return Rendered("application/json", msgspec.json.encode(whole))


class EmbeddingsOut:
    """See `TaskOut`."""

    kind: Final = "embedding"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        if job.as_it_came(NAME):
            return passed(job, to, PATH)
        wants = job.wanted(Embedding)
        dropped = left_out(job, wants)
        dropped.drop("input_type", wants.purpose)
        extra = wants.extra if job.dialect == NAME else {}
        fields = {"model": to.model, "input": wants.inputs, "dimensions": wants.dimensions, "user": wants.user, **extra}
        return written(PATH, fields, dropped)

    def read(self, job: Job, came: Came) -> Vectors:
        whole = decoded(came, _wholes, "list of embeddings")
        ordered = sorted(whole.data, key=lambda one: one.index)
        return Vectors(
            vectors=[_numbers(one.embedding) for one in ordered], model=whole.model, counted=_counted(whole.usage)
        )

    def count(self, job: Job, came: Came) -> Counted | None:
        return _counted(decoded(came, _used, "list of embeddings").usage)


def _inputs(given: Any) -> list[str | list[int]]:
    """One text, one list of tokens, or a list of either. NotStrict."""
    if isinstance(given, str) or (isinstance(given, list) and given and _is_tokens(given)):
        given = [given]
    if not isinstance(given, list) or not given or len(given) > _MOST:
        raise NotStrict(f"`input` has to be a text, or a list of 1 to {_MOST} texts or of lists of tokens.", "input")
    for place, one in enumerate(given):
        if not (isinstance(one, str) or (isinstance(one, list) and _is_tokens(one))) or not one:
            raise NotStrict(f"`input[{place}]` has to be a text or a list of tokens, and not empty.", f"input[{place}]")
    return given


def _is_tokens(given: list[Any]) -> bool:
    return all(isinstance(one, int) and not isinstance(one, bool) for one in given)


def _counted(usage: _Usage | None) -> Counted | None:
    return None if usage is None else Counted(input_tokens=usage.prompt_tokens)


def _numbers(coded: list[float] | str) -> list[float]:
    if not isinstance(coded, str):
        return coded
    try:
        data = base64.b64decode(coded, validate=True)
        return [value for (value,) in struct.iter_unpack("<f", data)]
    except (ValueError, struct.error):
        raise Garbled("with an embedding that is no base64 of numbers") from None


def _as_it_is(vector: list[float]) -> object:
    return vector


def _as_base64(vector: list[float]) -> object:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *array("f", vector))).decode()
