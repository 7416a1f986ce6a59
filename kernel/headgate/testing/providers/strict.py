"""The types of a provider's own SDK, read as a strict schema for the JSON on the wire.

1. What the SDK would send, and the provider's reference lists, is in these types: TypedDicts for what goes, pydantic
   models for what comes. `conforms` walks them itself, since pydantic lets unknown fields of both pass, and reads an
   `Iterable` only when somebody asks.
2. A field that no type knows is wrong. An object whose type says that more may come (a JSON schema) is open.
3. Of a union, the member that fits is taken; where none fits, the complaint comes from the member that the object's
   own literals (`type`, `role`) chose. Literals "or Any" are the literals: an SDK says so to bear what is yet to come.
4. Nothing is changed, coerced or completed: JSON's types are what they are, but for an integer where a float may stand.
"""

from __future__ import annotations

import collections.abc
import datetime
import enum
import functools
import inspect
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

import typing_extensions
from pydantic import BaseModel

Path = tuple[str | int, ...]
Complaint = Literal["unknown", "missing", "type"]
LISTS = (list, collections.abc.Iterable, collections.abc.Sequence, tuple, set)
OPEN = (Any, object, inspect.Parameter.empty)


@dataclass
class Misfit(Exception):
    """A value that does not fit: where, how ("unknown", "missing" or "type"), and what was expected there."""

    path: Path
    complaint: Complaint
    expected: str = ""

    def __str__(self) -> str:
        return f"{self.dotted}: {self.complaint} {self.expected}".rstrip()

    @property
    def dotted(self) -> str:
        """`messages.0.content`."""
        return ".".join(map(str, self.path))

    @property
    def bracketed(self) -> str:
        """`messages[0].content`."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object: its type, and whether it must be there."""

    type: Any
    required: bool


def conforms(value: Any, expected: Any, path: Path = ()) -> None:
    """Check `value`, as JSON gave it, against a type. Raises Misfit."""
    expected = bare(expected)
    origin = typing.get_origin(expected)
    if expected in OPEN or isinstance(expected, typing.TypeVar):
        return None
    if origin in (typing.Union, types.UnionType):
        return _one_of(value, typing.get_args(expected), path)
    if origin is Literal:
        return _require(value in _literals(expected), path, f"one of {', '.join(map(repr, _literals(expected)))}")
    if (origin or expected) in LISTS:
        return _list(value, typing.get_args(expected), path)
    if (origin or expected) in (dict, collections.abc.Mapping, collections.abc.MutableMapping):
        return _mapping(value, typing.get_args(expected), path)
    if is_object(expected):
        return _object(value, expected, path)
    return _scalar(value, expected, path)


def fields_of(kind: Any) -> dict[str, Field]:
    """The fields of a TypedDict or a pydantic model, by their names on the wire."""
    return _model_fields(kind) if _is_model(kind) else _dict_fields(kind)


def bare(expected: Any) -> Any:
    """A type without Annotated, Required, NotRequired, NewType or the name of an alias around it."""
    while True:
        origin = typing.get_origin(expected)
        if isinstance(origin, typing_extensions.TypeAliasType):
            expected = origin.__value__[typing.get_args(expected)]
        elif origin in (typing.Annotated, *_REQUIRED, *_NOT_REQUIRED):
            expected = typing.get_args(expected)[0]
        elif isinstance(expected, typing.NewType):
            expected = expected.__supertype__
        elif isinstance(expected, typing_extensions.TypeAliasType):
            expected = expected.__value__
        else:
            return type(None) if expected is None else expected


def is_object(expected: Any) -> bool:
    """Whether the type has fields."""
    return _is_model(expected) or typing_extensions.is_typeddict(expected)


def _one_of(value: Any, members: tuple[Any, ...], path: Path) -> None:
    misfits = []
    if any(typing.get_origin(bare(member)) is Literal for member in members):
        members = tuple(member for member in members if member not in OPEN)
    for member in sorted(members, key=lambda member: not _chosen(value, member)):
        try:
            return conforms(value, member, path)
        except Misfit as misfit:
            misfits.append((_chosen(value, member), len(misfit.path), misfit))
    raise max(misfits, key=lambda each: each[:2])[2]


def _chosen(value: Any, member: Any) -> bool:
    """Whether the literals of an object say that this member of a union is meant."""
    member = bare(member)
    if not (isinstance(value, dict) and is_object(member)):
        return isinstance(value, list) and (typing.get_origin(member) or member) in LISTS
    kinds = [(name, bare(each.type)) for name, each in fields_of(member).items() if name in value]
    literal = [(name, kind) for name, kind in kinds if typing.get_origin(kind) is Literal]
    return bool(literal) and all(_hashed(value[name], _literals(kind)) for name, kind in literal)


def _hashed(value: Any, options: tuple[Any, ...]) -> bool:
    return isinstance(value, (str, int, bool, type(None))) and value in options


def _literals(expected: Any) -> tuple[Any, ...]:
    return typing.get_args(expected)


def _list(value: Any, items: tuple[Any, ...], path: Path) -> None:
    _require(isinstance(value, list), path, "an array")
    for at, item in enumerate(value):
        conforms(item, items[0] if items else Any, (*path, at))


def _mapping(value: Any, types_: tuple[Any, ...], path: Path) -> None:
    _require(isinstance(value, dict), path, "an object")
    for key, item in value.items():
        conforms(item, types_[1] if types_ else Any, (*path, key))


def _object(value: Any, kind: Any, path: Path) -> None:
    _require(isinstance(value, dict), path, "an object")
    fields = fields_of(kind)
    for name in value:
        if name in fields:
            conforms(value[name], fields[name].type, (*path, name))
        elif not _is_open(kind):
            raise Misfit((*path, name), "unknown")
    for name, each in fields.items():
        if each.required and name not in value:
            raise Misfit((*path, name), "missing")


def _scalar(value: Any, expected: Any, path: Path) -> None:
    if isinstance(expected, type) and issubclass(expected, enum.Enum):
        return _require(value in [member.value for member in expected], path, f"one of {expected.__name__}")
    for kind, (accepted, name) in SCALARS.items():
        if expected is kind:
            fits = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
            return _require(fits, path, name)
    return _require(False, path, getattr(expected, "__name__", str(expected)))


SCALARS: dict[Any, tuple[Any, str]] = {
    str: (str, "a string"),
    bytes: (str, "a string"),
    datetime.datetime: ((str, int, float), "a time"),
    datetime.date: (str, "a date"),
    int: (int, "an integer"),
    float: ((int, float), "a number"),
    bool: (bool, "a boolean"),
    type(None): (type(None), "null"),
}


def _require(fits: bool, path: Path, expected: str) -> None:
    if not fits:
        raise Misfit(path, "type", expected)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_open(kind: Any) -> bool:
    """TypedDicts are open where their SDK says so. Models of answers all are, lest a client break on what is new: no."""
    return not _is_model(kind) and dict(getattr(kind, "__pydantic_config__", {})).get("extra") == "allow"


_REQUIRED = (typing.Required, typing_extensions.Required)
_NOT_REQUIRED = (typing.NotRequired, typing_extensions.NotRequired)


@functools.cache
def _model_fields(kind: type[BaseModel]) -> dict[str, Field]:
    kind.model_rebuild()
    return {
        (field.serialization_alias or field.alias or name): Field(field.annotation, field.is_required())
        for name, field in kind.model_fields.items()
    }


@functools.cache
def _dict_fields(kind: Any) -> dict[str, Field]:
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    return {_wire_name(name, hint): Field(hint, _is_required(kind, name, hint)) for name, hint in hints.items()}


def _wire_name(name: str, hint: Any) -> str:
    """The SDKs note a field's name on the wire (`from`) where Python cannot write it."""
    while typing.get_origin(hint) in (typing.Annotated, *_REQUIRED, *_NOT_REQUIRED):
        if alias := next((found for note in typing.get_args(hint)[1:] if (found := _alias(note))), ""):
            return alias
        hint = typing.get_args(hint)[0]
    return name


def _alias(note: Any) -> str:
    return getattr(note, "alias", None) or ""


def _is_required(kind: Any, name: str, hint: Any) -> bool:
    if (origin := typing.get_origin(hint)) in (*_REQUIRED, *_NOT_REQUIRED):
        return origin in _REQUIRED
    return bool(_owner(kind, name).__total__)


def _owner(kind: Any, name: str) -> Any:
    """The TypedDict that declares a field: each of a chain of them has its own word on what is required (`total`)."""
    bases = [base for base in getattr(kind, "__orig_bases__", ()) if typing_extensions.is_typeddict(base)]
    return next((_owner(base, name) for base in bases if name in base.__annotations__), kind)
