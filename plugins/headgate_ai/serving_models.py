"""`ai.models`: the list of models, as clients of a dialect ask for it. No provider is asked.

1. `from` is what may be named: a key's `models`, or a list. A name in it is shown as it stands; `gpt-*` shows the models of
   the catalogue that begin so, and `*` all of them, as far as they are models of a provider that a `model` of the policy
   could have.
2. Which dialect the client speaks, the line says, or it is seen from the request: Gemini's path has `/v1beta/`,
   Anthropic's clients send `anthropic-version`; all others are OpenAI's.
3. GET …/models is the list, GET …/models/NAME one of it, or a 404 in the client's dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import unquote

import msgspec

from headgate.api import (
    BEFORE_RESPONSE,
    ClientFault,
    Const,
    Dialect,
    Exchange,
    Response,
    step,
)
from headgate.api.ai import Speaks
from headgate_ai.catalog import MAKERS, Entry, every, find
from headgate_ai.prices import Unknown

Shape = Literal["openai", "anthropic", "gemini"]
# When the price list does not say when a model was made, nobody here knows.
_UNKNOWN_TIME: Final = 0
_UNKNOWN_DAY: Final = "1970-01-01T00:00:00Z"


def choose(path: str, constants: Mapping[str, Any], dialects: Mapping[str, Speaks]) -> Dialect | None:
    """The dialect of a route, for its errors."""
    name = constants.get("dialect") or ("gemini" if "/v1beta/" in path else "openai")
    speaks = dialects.get(name)
    return speaks.inbound if speaks is not None else None


@step("ai.models", hinge=True, raises=("request.invalid",), phase=BEFORE_RESPONSE, dialect=choose)
def ai_models(ctx: Exchange, /, *, from_: list[str], dialect: Const[Shape | None] = None) -> None:
    """Answer with the models that may be named, in the shape of the client's dialect: `ai.models from=key.models`.

    For GET /v1/models and /v1/models/NAME; Gemini's clients ask at /v1beta/models. `gpt-*` in the list stands for the
    models that begin so, `*` for all that are known.
    """
    shape = dialect or _seen(ctx)
    speaks = ctx.node.dialects.get(shape)
    if speaks is not None and speaks.inbound is not None:
        ctx.dialect = speaks.inbound
    wanted = _named(ctx.request.path)
    if wanted is None:
        value = _LISTS[shape]([_SHOWS[shape](one) for one in _models(tuple(from_))])
    else:
        found = _one(tuple(from_), wanted)
        if found is None:
            raise ClientFault("request.invalid", f"There is no model `{wanted}`, or not for you.", status=404)
        value = _SHOWS[shape](found)
    ctx.answer(Response(200, [(b"content-type", b"application/json")], msgspec.json.encode(value)))


def _seen(ctx: Exchange) -> Shape:
    if "/v1beta/" in ctx.request.path:
        return "gemini"
    return "anthropic" if ctx.request.headers.get(b"anthropic-version") is not None else "openai"


def _named(path: str) -> str | None:
    """The model that a path names behind `/models`."""
    _, _, rest = path.partition("/models")
    return unquote(rest.removeprefix("/")) or None


def _models(allowed: tuple[str, ...]) -> list[Entry]:
    plain = {name for name in allowed if not name.endswith("*")}
    starts = tuple(name[:-1] for name in allowed if name.endswith("*"))
    known = [one for one in _makers() if starts and one.name.startswith(starts)]
    shown = {one.name for one in known}
    return known + [_entry(name) for name in sorted(plain - shown)]


def _one(allowed: tuple[str, ...], name: str) -> Entry | None:
    if name in allowed:
        return _entry(name)
    starts = tuple(one[:-1] for one in allowed if one.endswith("*"))
    return find(name) if starts and name.startswith(starts) else None


@cache
def _makers() -> list[Entry]:
    """The models of those who make them, by name; who serves the same elsewhere is left out."""
    found: dict[str, Entry] = {}
    for maker in MAKERS:
        for one in every((maker,)):
            found.setdefault(one.name, one)
    return sorted(found.values(), key=lambda one: one.name)


def _entry(name: str) -> Entry:
    """A model by a name that a key has; where nobody knows it, it is a name of the policy's own."""
    known = find(name)
    if known is not None:
        return replace(known, name=name)
    return Entry("headgate", name, None, None, None, None, {}, None, Unknown())


# --- shapes ----------------------------------------------------------------------------------------------------------


def _openai(one: Entry) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/models."""
    return {"id": one.name, "object": "model", "created": _UNKNOWN_TIME, "owned_by": one.provider}


def _anthropic(one: Entry) -> dict[str, Any]:
    """https://platform.claude.com/docs/en/api/models."""
    said: dict[str, Any] = {"type": "model", "id": one.name, "display_name": one.name, "created_at": _UNKNOWN_DAY}
    return said | {"max_input_tokens": one.context, "max_tokens": one.most_output}


def _gemini(one: Entry) -> dict[str, Any]:
    """https://ai.google.dev/api/models."""
    methods = ["embedContent", "batchEmbedContents"] if one.kind == "embedding" else [
        "generateContent", "streamGenerateContent", "countTokens",
    ]  # fmt: skip
    said: dict[str, Any] = {
        "name": f"models/{one.name}",
        "displayName": one.name,
        "supportedGenerationMethods": methods,
    }
    tokens = {"inputTokenLimit": one.context, "outputTokenLimit": one.most_output}
    return said | {name: value for name, value in tokens.items() if value is not None}


_SHOWS: Final[dict[Shape, Callable[[Entry], dict[str, Any]]]] = {
    "openai": _openai, "anthropic": _anthropic, "gemini": _gemini,
}  # fmt: skip
_LISTS: Final[dict[Shape, Callable[[list[dict[str, Any]]], dict[str, Any]]]] = {
    "openai": lambda shown: {"object": "list", "data": shown},
    "anthropic": lambda shown: {
        "data": shown, "has_more": False, "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    },
    "gemini": lambda shown: {"models": shown},
}  # fmt: skip
