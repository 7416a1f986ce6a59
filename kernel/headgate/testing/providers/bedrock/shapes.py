"""The service model of Bedrock Runtime, read as a strict schema for the JSON on the wire.

`botocore` ships it (service-2.json), and checks with it what it sends, but neither enumerations nor patterns, and not
that a union has one member. Here all are checked, of requests and of answers.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from typing import Any

import botocore.session

from headgate.testing.providers.strict import Misfit, Path


@functools.cache
def service() -> Any:
    """The model of the service; to load it takes a moment, so it is loaded once."""
    return botocore.session.Session().get_service_model("bedrock-runtime")


def fits(value: Any, shape: Any, path: Path = ()) -> None:
    """Check a value, as JSON gave it, against a shape. Raises Misfit."""
    if shape.type_name == "structure":
        if not shape.is_document_type:
            _structure(value, shape, path)
    elif shape.type_name == "list":
        _require(isinstance(value, list), path, "a list")
        _bounds(len(value), shape, path)
        for at, item in enumerate(value):
            fits(item, shape.member, (*path, at))
    elif shape.type_name == "map":
        _require(isinstance(value, dict), path, "a map")
        for key, item in value.items():
            fits(item, shape.value, (*path, key))
    else:
        _scalar(value, shape, path)


def _structure(value: Any, shape: Any, path: Path) -> None:
    _require(isinstance(value, dict), path, "an object")
    for name, item in value.items():
        if name not in shape.members:
            raise Misfit((*path, name), "unknown")
        fits(item, shape.members[name], (*path, name))
    for name in shape.required_members:
        if name not in value and "location" not in shape.members[name].serialization:
            raise Misfit((*path, name), "missing")
    if shape.is_tagged_union:
        _require(len(value) == 1, path, f"exactly one of {', '.join(shape.members)}")


def _scalar(value: Any, shape: Any, path: Path) -> None:
    accepted, name = SCALARS[shape.type_name]
    _require(isinstance(value, accepted) and (accepted is bool or not isinstance(value, bool)), path, name)
    if shape.type_name == "string":
        _string(value, shape, path)
    elif shape.type_name == "blob":
        _require(_is_base64(value), path, "base64")
    elif shape.type_name != "boolean":
        _bounds(value, shape, path)


def _string(value: str, shape: Any, path: Path) -> None:
    _bounds(len(value), shape, path)
    if shape.enum:
        _require(value in shape.enum, path, f"one of [{', '.join(shape.enum)}]")
    if pattern := shape.metadata.get("pattern"):
        _require(re.fullmatch(pattern, value, re.DOTALL) is not None, path, f"a match of {pattern}")


def _bounds(size: float, shape: Any, path: Path) -> None:
    low, high = shape.metadata.get("min", float("-inf")), shape.metadata.get("max", float("inf"))
    _require(low <= size <= high, path, f"between {low} and {high}")


SCALARS: dict[str, tuple[Any, str]] = {
    "string": (str, "a string"),
    "blob": (str, "base64"),
    "boolean": (bool, "a boolean"),
    "integer": (int, "an integer"),
    "long": (int, "an integer"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "timestamp": ((int, float, str), "a time"),
}


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _require(good: bool, path: Path, expected: str) -> None:
    if not good:
        raise Misfit(path, "type", expected)
