"""A `type` of a policy as something that values are held against: `read.json Message`, `output=Sentiment`.

1. A step gets a `Shape` where it takes the name of a type. The values that fit are plain: dicts, lists, texts, numbers.
2. All that does not fit is told at once, each with its place as a JSON pointer (RFC 6901): nobody mends one field a call.
3. Nothing is converted: "3" is no number, 3.0 is no int, and null is absence, which only an optional field takes. An
   absent field is left out of the value; so is an unknown one, where unknown fields are dropped and not refused.
4. The JSON schema says the same as the check (draft 2020-12), in the form that providers call strict: every object lists
   all of its fields as required and allows no others, and what may be absent may be null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from headgate.language import types as t
from headgate.message.strict_json import NotStrict, decode_strictly

REFUSE, DROP = "refuse", "drop"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value, and where: `/address/street`; empty for the whole of it."""

    pointer: str
    detail: str


class Misfit(ValueError):
    """A value that is not of its type, with every fault."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or 'the value'}: {fault.detail}" for fault in faults))
        self.faults = faults


class Shape:
    """One `type`. Two shapes of one type are the same to every reader."""

    __slots__ = ("name", "record")

    def __init__(self, record: t.Record) -> None:
        self.record = record
        self.name = record.name

    def __repr__(self) -> str:
        return f"<Shape {self.name} [{len(self.record.fields)} fields]>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.record == other.record

    def __hash__(self) -> int:
        return hash(self.record)

    def decode(self, value: Any, *, unknown: str = REFUSE) -> dict[str, Any]:
        """The value as the policy sees it: from JSON values, or from bytes, which are read strictly. Misfit."""
        if isinstance(value, (bytes, bytearray)):
            try:
                value = decode_strictly(bytes(value))
            except NotStrict as error:
                raise Misfit((Fault(f"/{error.where}" if error.where else "", error.message),)) from None
        faults: list[Fault] = []
        found = _take(self.record, value, "", faults, unknown)
        if faults:
            raise Misfit(tuple(faults))
        return found  # type: ignore[no-any-return]

    def json_schema(self, *, bounds: bool = True) -> dict[str, Any]:
        """As a JSON schema. Without `bounds` it says nothing of lengths and ranges, which some providers refuse."""
        return {"title": self.name, **_schema(self.record, bounds)}


# --- values ----------------------------------------------------------------------------------------------------------


def _take(kind: t.Type, value: Any, at: str, faults: list[Fault], unknown: str) -> Any:
    """The value, or anything at all where there is a fault."""
    match kind:
        case t.Optional(inner):
            return None if value is None else _take(inner, value, at, faults, unknown)
        case t.Record():
            return _take_record(kind, value, at, faults, unknown)
        case t.ListType(item) if isinstance(value, list):
            return [_take(item, one, f"{at}/{place}", faults, unknown) for place, one in enumerate(value)]
        case t.MapType(inner) if isinstance(value, dict):
            return {key: _take(inner, one, f"{at}/{_token(key)}", faults, unknown) for key, one in value.items()}
    wrong = _wrong(kind, value)
    if wrong:
        faults.append(Fault(at, wrong))
    return value


def _take_record(record: t.Record, value: Any, at: str, faults: list[Fault], unknown: str) -> Any:
    if not isinstance(value, dict):
        faults.append(Fault(at, f"must be an object, not {_what(value)}"))
        return value
    found = {}
    for name, kind in record.fields:
        given = value.get(name)
        if given is not None:
            found[name] = _take(kind, given, f"{at}/{_token(name)}", faults, unknown)
        elif not isinstance(kind, t.Optional) and (name not in value or kind != t.JSON):
            faults.append(Fault(f"{at}/{_token(name)}", "is missing" if name not in value else "must not be null"))
        elif name in value and kind == t.JSON:
            found[name] = None
    if unknown == REFUSE:
        known = {name for name, _ in record.fields}
        faults += [
            Fault(f"{at}/{_token(name)}", f"is no field of {record.name}") for name in value if name not in known
        ]
    return found


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _what(value: Any) -> str:
    """A value as a client thinks of it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names: dict[type, str] = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "that")


def _wrong(kind: t.Type, value: Any) -> str:
    """What is wrong with a value that has no parts; empty if nothing."""
    match kind:
        case t.Choice(words):
            return "" if isinstance(value, str) and value in words else f"must be one of: {', '.join(words)}"
        case t.ListType():
            return f"must be a list, not {_what(value)}"
        case t.MapType():
            return f"must be an object, not {_what(value)}"
        case t.Bounded(base, low, high):
            return _wrong(base, value) or _outside(value, low, high)
        case t.Scalar():
            wanted, fits = _PLAIN.get(kind, ("something that JSON has no form for", lambda _: False))
            other = "" if kind == t.IP and isinstance(value, str) else f", not {_what(value)}"
            return "" if fits(value) else f"must be {wanted}{other}"
    return f"has the type {kind}, for which JSON has no form"


def _outside(value: Any, low: float | None, high: float | None) -> str:
    measure, unit = (len(value), " characters") if isinstance(value, str) else (value, "")
    if low is not None and measure < low:
        return f"must {'have' if unit else 'be'} at least {low:g}{unit if low != 1 else unit.removesuffix('s')}"
    if high is not None and measure > high:
        return f"must {'have' if unit else 'be'} at most {high:g}{unit}"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_address(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ip_address(value))
    except ValueError:
        return False


_PLAIN: dict[t.Type, tuple[str, Callable[[Any], bool]]] = {
    t.TEXT: ("text", lambda value: isinstance(value, str)),
    t.INT: ("a whole number", _is_int),
    t.NUMBER: ("a number", _is_number),
    t.BOOL: ("true or false", lambda value: isinstance(value, bool)),
    t.JSON: ("JSON", lambda _: True),
    t.IP: ("an IP address", _is_address),
    t.STATUS: ("a status", lambda value: _is_int(value) and 100 <= value <= 599),
    t.SIZE: ("a number of bytes", lambda value: _is_int(value) and value >= 0),
    t.DURATION: ("a number of seconds", lambda value: _is_number(value) and value >= 0),
    t.TIME: ("a number of seconds since 1970", _is_number),
}


# --- schemas ---------------------------------------------------------------------------------------------------------

_NAMES: dict[t.Type, dict[str, Any]] = {
    t.TEXT: {"type": "string"}, t.IP: {"type": "string"}, t.INT: {"type": "integer"}, t.NUMBER: {"type": "number"},
    t.BOOL: {"type": "boolean"}, t.STATUS: {"type": "integer"}, t.SIZE: {"type": "integer"},
    t.DURATION: {"type": "number"}, t.TIME: {"type": "number"}, t.JSON: {},
}  # fmt: skip


def _schema(kind: t.Type, bounds: bool) -> dict[str, Any]:
    match kind:
        case t.Optional(inner):
            return _nullable(_schema(inner, bounds))
        case t.Record(_, fields):
            return {
                "type": "object",
                "properties": {name: _schema(inner, bounds) for name, inner in fields},
                "required": [name for name, _ in fields],
                "additionalProperties": False,
            }
        case t.ListType(item):
            return {"type": "array", "items": _schema(item, bounds)}
        case t.MapType(inner):
            return {"type": "object", "additionalProperties": _schema(inner, bounds)}
        case t.Choice(words):
            return {"type": "string", "enum": list(words)}
        case t.Bounded(base):
            return {**_schema(base, bounds), **(dict(_limits(kind)) if bounds else {})}
    return dict(_NAMES[kind])


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or null."""
    if not schema:
        return schema
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _limits(kind: t.Bounded) -> Iterator[tuple[str, float]]:
    low, high = ("minLength", "maxLength") if kind.base == t.TEXT else ("minimum", "maximum")
    for word, bound in ((low, kind.low), (high, kind.high)):
        if bound is not None:
            yield word, int(bound) if bound == int(bound) else bound
