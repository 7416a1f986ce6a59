"""What OpenAI says where a request does not fit its schema (https://platform.openai.com/docs/guides/error-codes)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from headgate.testing.providers.asking import Asked, Refused, refuse
from headgate.testing.providers.strict import Misfit, conforms


def checked(
    asked: Asked, expected: Any, also: frozenset[str] = frozenset(), back: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The body of a request that fits its type, but for fields that a compatible provider knows besides (`also`), and
    those that its answers have and that come back with their messages: clients send a message as they got it (`back`)."""
    if not isinstance(asked.body, dict):
        raise refuse("We could not parse the JSON body of your request.")
    body: dict[str, Any] = asked.body
    try:
        conforms(_without(body, also, back), expected)
    except Misfit as misfit:
        raise said(misfit) from None
    return body


def _without(body: dict[str, Any], also: frozenset[str], back: frozenset[str]) -> dict[str, Any]:
    rest = {name: value for name, value in body.items() if name not in also}
    if back and isinstance(rest.get("messages"), list):
        rest["messages"] = [
            {name: value for name, value in each.items() if name not in back}
            if isinstance(each, dict) and each.get("role") == "assistant"
            else each
            for each in rest["messages"]
        ]
    return rest


def said(misfit: Misfit) -> Refused:
    """The sentence for one misfit."""
    where = misfit.bracketed
    if misfit.complaint == "unknown":
        return refuse(f"Unknown parameter: '{where}'.", param=where)
    if misfit.complaint == "missing":
        return refuse(f"Missing required parameter: '{where}'.", param=where)
    return refuse(f"Invalid type for '{where}': expected {misfit.expected}.", param=where)


def in_range(body: dict[str, Any], name: str, low: float, high: float = float("inf")) -> None:
    """Refuse a number outside of its range."""
    value = body.get(name)
    if value is not None and not low <= value <= high:
        side, bound = ("minimum", low) if value < low else ("maximum", high)
        raise refuse(f"Invalid '{name}': {side} value is {bound:g}, but got {value}.", param=name)


def named_well(names: list[str], where: Callable[[int], str]) -> None:
    """Names of functions are letters, digits, underscores and dashes, 64 of them at most."""
    for at, name in enumerate(names):
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            raise refuse(f"Invalid '{where(at)}': string does not match pattern '^[a-zA-Z0-9_-]+$'.", param=where(at))


def strict_schema(schema: Any, where: str) -> None:
    """A strict schema closes every object and requires each of its properties.

    See https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas".
    """
    if isinstance(schema, list):
        for each in schema:
            strict_schema(each, where)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise refuse(
                "Invalid schema: 'additionalProperties' is required to be supplied and to be false.", param=where
            )
        if missing := sorted(set(properties or ()) - set(schema.get("required") or ())):
            raise refuse(
                f"Invalid schema: 'required' is required to include every key in properties. Missing '{missing[0]}'.",
                param=where,
            )
    for key, value in schema.items():
        strict_schema(list(value.values()) if key in ("properties", "$defs", "definitions") else value, where)
