"""Fields of a body, held against what they have to be; and requests that pass but for the model's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final, TypeVar

import msgspec

from headgate.api import Line, NotStrict, decode_strictly, refuse_lookalikes
from headgate.api.ai import Came, Dropped, Endpoint, Garbled, Job, Sent, Wanted, Written

NAME: Final = "openai"
JSON: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)
T = TypeVar("T")
_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])


def body_of(sent: Sent, known: frozenset[str], example: str) -> dict[str, Any]:
    """A body that is an object with a model. NotStrict."""
    value = decode_strictly(sent.data)
    if not isinstance(value, dict):
        raise NotStrict(f"The body has to be a JSON object: {example}.")
    refuse_lookalikes(value, known)
    return value


def text(value: Mapping[str, Any], name: str) -> str:
    """A text that has to be there. NotStrict."""
    said = value.get(name)
    if not isinstance(said, str) or not said:
        raise NotStrict(f"`{name}` has to be a text that is not empty.", name)
    return said


def maybe_text(value: Mapping[str, Any], name: str) -> str | None:
    """A text, if it is there. NotStrict."""
    said = value.get(name)
    if said is not None and not isinstance(said, str):
        raise NotStrict(f"`{name}` has to be a text.", name)
    return said


def maybe_count(value: Mapping[str, Any], name: str) -> int | None:
    """A whole number above 0, if it is there. NotStrict."""
    said = value.get(name)
    if said is not None and (not isinstance(said, int) or isinstance(said, bool) or said < 1):
        raise NotStrict(f"`{name}` has to be a whole number above 0.", name)
    return said


def maybe_number(value: Mapping[str, Any], name: str) -> float | None:
    """A number, if it is there. NotStrict."""
    said = value.get(name)
    if said is not None and (not isinstance(said, (int, float)) or isinstance(said, bool) or not isfinite(said)):
        raise NotStrict(f"`{name}` has to be a number.", name)
    return said


def maybe_bool(value: Mapping[str, Any], name: str) -> bool:
    """true or false; false where it is not there. NotStrict."""
    said = value.get(name)
    if said is not None and not isinstance(said, bool):
        raise NotStrict(f"`{name}` has to be true or false.", name)
    return bool(said)


def rest(value: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """The fields that have no place of their own."""
    names = set(known)
    return {name: one for name, one in value.items() if name not in names}


def passed(job: Job, to: Endpoint, path: bytes) -> Written:
    """The client's own JSON, with the model's name."""
    data = job.sent().data
    if job.asked() == to.model and b'"model"' in data:
        return Written(path, data, JSON)
    return Written(path, msgspec.json.encode({**_raws.decode(data), "model": to.model}), JSON)


def written(path: bytes, fields: Mapping[str, Any], dropped: Dropped) -> Written:
    """A request of these fields, without those that are None."""
    body = {name: value for name, value in fields.items() if value is not None}
    return Written(path, msgspec.json.encode(body), JSON, dropped=dropped.names)


def left_out(job: Job, wants: Wanted) -> Dropped:
    """What only the client's dialect has."""
    dropped = Dropped()
    for name, value in wants.extra.items() if job.dialect != NAME else ():
        dropped.drop(name, value)
    return dropped


def decoded(came: Came, decoder: msgspec.json.Decoder[T], what: str) -> T:
    """A provider's answer. Garbled."""
    try:
        return decoder.decode(came.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled(f"with what is no {what}") from None
