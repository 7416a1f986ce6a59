"""Python annotations as types of the language: the one record that checker, docs and completion read.

A plugin author writes ordinary signatures. What Python has no name for (a duration is a float, a size an int)
has an alias here, an `Annotated` whose mark is the language's type.
"""

from __future__ import annotations

import dataclasses
import inspect
import types as python_types
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from headgate.contracts.values import Money, Rate, Secret, StatusClass
from headgate.language import types as t
from headgate.language.shapes import Shape

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class ConstMark:
    """The value is known when the policy loads."""


@dataclasses.dataclass(frozen=True, slots=True)
class PathMark:
    """The value is a path: what is interpolated into it stays within its segment."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ge:
    """A lower bound, inclusive: `Annotated[int, Ge(0)]`."""

    low: float


@dataclasses.dataclass(frozen=True, slots=True)
class Le:
    """An upper bound, inclusive."""

    high: float


Const = Annotated[T, ConstMark()]
Text = str
UrlPath = Annotated[str, PathMark()]
Json = Annotated[Any, t.JSON]
Duration = Annotated[float, t.DURATION]
Size = Annotated[int, t.SIZE]
Percent = Annotated[float, t.PERCENT]
Status = Annotated[int, t.STATUS]
Time = Annotated[float, t.TIME]
Ip = Annotated[str, t.IP]
Network = Annotated[Any, t.NETWORK]
Regex = Annotated[Any, t.REGEX]
FailureOn = Annotated[int | StatusClass | str, t.FAILURE]
Word = Annotated[str, t.WORD]
TypeRef = Annotated[Shape, t.TYPE_NAME]

_PLAIN: dict[Any, t.Type] = {
    bool: t.BOOL,
    int: t.INT,
    float: t.NUMBER,
    str: t.TEXT,
    bytes: t.BYTES,
    Rate: t.RATE,
    Money: t.MONEY,
    Secret: t.SECRET,
    type(None): t.NONE,
    None: t.NONE,
    Any: t.ANY,
    object: t.ANY,
}


class Unfit(Exception):
    """An annotation that has no type in the language; the message names it."""


def type_of(annotation: Any) -> t.Type:
    """The language's type for a Python annotation. Unfit where there is none."""
    if get_origin(annotation) is Annotated:
        return _annotated(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, python_types.UnionType):
        return _union(args)
    if origin is Literal:
        return t.Choice(tuple(str(word) for word in args))
    if origin in (list, tuple, frozenset, set):
        return t.ListType(type_of(args[0]))
    if origin is dict:
        return t.MapType(_loose(args[1]))
    if isinstance(annotation, type):
        return _class(annotation)
    raise Unfit(f"{annotation!r} has no type in the language")


def _annotated(annotation: Any) -> t.Type:
    base, *marks = get_args(annotation)
    kinds = [mark for mark in marks if isinstance(mark, t.Type)]
    kind = kinds[0] if kinds else type_of(base)
    low = next((mark.low for mark in marks if isinstance(mark, Ge)), None)
    high = next((mark.high for mark in marks if isinstance(mark, Le)), None)
    if (low, high) != (None, None) and isinstance(kind, t.Scalar):
        return t.Bounded(kind, low, high)
    return kind


def _union(args: tuple[Any, ...]) -> t.Type:
    rest = [arg for arg in args if arg is not type(None)]
    kinds = tuple(dict.fromkeys(type_of(arg) for arg in rest))
    inner = kinds[0] if len(kinds) == 1 else t.ANY if t.ANY in kinds else t.AnyOf(kinds)
    return t.Optional(inner) if len(rest) < len(args) else inner


def _loose(annotation: Any) -> t.Type:
    """`Any` inside a container is JSON: it came from outside."""
    return t.JSON if annotation is Any else type_of(annotation)


def _class(cls: type) -> t.Type:
    kind = getattr(cls, "resource_kind", None)
    if isinstance(kind, str):
        return t.ResourceType(kind)
    return record_of(cls)


def record_of(cls: type) -> t.Record:
    """A Struct's or a dataclass's public fields and properties."""
    hints = get_type_hints(cls, include_extras=True)
    if issubclass(cls, msgspec.Struct):
        names = list(cls.__struct_fields__)
    elif dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls)]
    else:
        raise Unfit(f"{cls.__qualname__} is neither a Struct nor a dataclass")
    fields = [(name, _loose(hints[name])) for name in names if not name.startswith("_")]
    for name, prop in inspect.getmembers(cls, lambda member: isinstance(member, property)):
        result = get_type_hints(prop.fget, include_extras=True).get("return") if prop.fget else None
        if result is not None and not name.startswith("_"):
            fields.append((name, _loose(result)))
    return t.Record(cls.__name__, tuple(fields))


def is_path(annotation: Any) -> bool:
    """Whether this is a `UrlPath`, or one that may be absent."""
    if get_origin(annotation) is Annotated:
        return any(isinstance(mark, PathMark) for mark in get_args(annotation)[1:])
    return any(is_path(arg) for arg in get_args(annotation))


def is_const(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated and any(isinstance(mark, ConstMark) for mark in get_args(annotation)[1:])
