"""The arguments of a tool call: a JSON text for all dialects, an object here.

A text that is no object is wrapped, as the documentation recommends, and unwrapped when it comes back:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

_WRAP: Final = "INVALID_JSON"

_objects = msgspec.json.Decoder(dict[str, Any])


def arguments(value: dict[str, Any]) -> str:
    """An object as a text."""
    if value.keys() == {_WRAP} and isinstance(value[_WRAP], str) and _object(value[_WRAP]) is None:
        return str(value[_WRAP])
    return msgspec.json.encode(value).decode()


def asked(text: str) -> dict[str, Any]:
    """A text as an object; a call without arguments has an empty text in some dialects."""
    if not text.strip():
        return {}
    value = _object(text)
    return {_WRAP: text} if value is None else value


def _object(text: str) -> dict[str, Any] | None:
    try:
        return _objects.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
