"""Who answers is the policy's matter: what of a request names another model, or lets the provider choose one, does not travel.

1. Each provider's row lists such fields (`refuse`), with the page that tells of them. They are left out and named, as any
   other that cannot be said; with `unknown=refuse` the request is refused.
2. Names are compared as the most tolerant reader would: without case, and without underscores.
3. A tool that names a model of its own is refused: without it the client would get another answer than it asked for.
4. Where the dialects differ, nothing is sent but what all dialects know, and none of that names a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from headgate.api.ai import Chat, Unsupported, Written
from headgate_ai.references import folded

# Tools that the client runs: the schema of a function may have anything in it.
_FUNCTIONS: Final = (None, "function", "custom")
_NAMED: Final = ("model", "models")

_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def without(written: Written, chat: Chat, names: Sequence[str]) -> Written:
    """The request without the fields of these names (`generationConfig.routingConfig` for one inside of another)."""
    there = {folded(name) for name in chat.raw()}
    if not any(folded(name.partition(".")[0]) in there for name in names):
        return written
    body = _fields.decode(written.body)
    taken = [name for name in names if _take(body, name.split("."))]
    if not taken:
        return written
    return written._replace(body=msgspec.json.encode(body), dropped=[*written.dropped, *taken])


def refuse_models(tools: Any, model: str) -> None:
    """Unsupported where a tool names another model."""
    for place, tool in enumerate(tools if isinstance(tools, list) else ()):
        if not isinstance(tool, dict) or tool.get("type") in _FUNCTIONS:
            continue
        for named in _models(tool):
            if named != model:
                raise Unsupported(f"The tool would ask another model, `{named}`.", f"tools[{place}]")


def _models(value: Any) -> Iterable[Any]:
    """What stands under such names, at any depth."""
    if isinstance(value, list):
        for one in value:
            yield from _models(one)
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from (inner if isinstance(inner, list) else [inner]) if folded(name) in _NAMED else _models(inner)


def holds(body: Any, name: str) -> bool:
    """Whether a field of this name is there (`generationConfig.routingConfig` for one inside of another)."""
    first, _, rest = name.partition(".")
    found = [value for key, value in body.items() if folded(key) == folded(first)] if isinstance(body, dict) else []
    return any(holds(one, rest) for one in found) if rest else bool(found)


def _take(body: dict[str, msgspec.Raw], path: list[str]) -> bool:
    """Take a field out; whether it was there."""
    first, *rest = path
    found = [name for name in body if folded(name) == folded(first)]
    if not rest:
        for name in found:
            del body[name]
        return bool(found)
    taken = False
    for name in found:
        try:
            inner = _fields.decode(body[name])
        except msgspec.DecodeError:
            continue
        if _take(inner, rest):
            body[name] = msgspec.Raw(msgspec.json.encode(inner))
            taken = True
    return taken
