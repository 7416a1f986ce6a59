"""Schemas. Google's own kind (https://ai.google.dev/api/caching#Schema) as JSON schema, for every other dialect.

What is written to Gemini is JSON schema as it is: `parametersJsonSchema` and `responseJsonSchema` take it.
"""

from __future__ import annotations

from typing import Any, Final

_ONE: Final = frozenset({"items", "additionalProperties"})
_MANY: Final = frozenset({"anyOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "defs"})
# Counts are protobuf's int64, which its JSON writes as text.
_COUNTS: Final = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_SNAKE: Final = {
    "any_of": "anyOf", "prefix_items": "prefixItems", "additional_properties": "additionalProperties",
    "min_items": "minItems", "max_items": "maxItems", "min_length": "minLength", "max_length": "maxLength",
    "min_properties": "minProperties", "max_properties": "maxProperties", "property_ordering": "propertyOrdering",
}  # fmt: skip


def json_schema(value: Any) -> Any:
    """A schema of Google's kind as JSON schema. What both have alike stays; the order of properties is left out."""
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for given, field in value.items():
        name = _SNAKE.get(given) or str(given)
        if name not in ("nullable", "propertyOrdering"):
            made["examples" if name == "example" else name] = [field] if name == "example" else _field(name, field)
    return _nullable(made) if value.get("nullable") is True else made


def _field(name: str, field: Any) -> Any:
    if name == "type" and isinstance(field, str):
        return field.lower()
    if name in _ONE:
        return json_schema(field)
    if name in _MANY and isinstance(field, list):
        return [json_schema(one) for one in field]
    if name in _NAMED and isinstance(field, dict):
        return {key: json_schema(one) for key, one in field.items()}
    if name in _COUNTS and isinstance(field, str) and field.isdigit():
        return int(field)
    return field


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    elif "anyOf" in made:
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    if isinstance(made.get("enum"), list) and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    return made
