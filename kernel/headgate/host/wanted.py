"""What a setting must be, in words, read off the types of the shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec import inspect as kinds

from headgate.host.origins import Path

Tables = kinds.StructType | kinds.DataclassType


def wanted(kind: Any) -> str:
    """`a whole number, 0 or more`; nothing where there is no word for it."""
    match kind:
        case kinds.UnionType():
            words = [wanted(one) for one in kind.types if not isinstance(one, kinds.NoneType)]
            return " or ".join(words) if all(words) else ""
        case kinds.LiteralType():
            return f"{'one of ' if len(kind.values) > 1 else ''}{', '.join(json.dumps(value) for value in kind.values)}"
        case kinds.BoolType():
            return "true or false"
        case kinds.IntType() | kinds.FloatType():
            return f"a {'whole ' if isinstance(kind, kinds.IntType) else ''}number{_bounds(kind)}"
        case kinds.StrType():
            return "a text"
        case kinds.ListType():
            return f"a list{_of(kind.item_type)}"
        case kinds.StructType() | kinds.DataclassType() | kinds.DictType():
            return "a table"
        case _:
            return ""


def _of(kind: Any) -> str:
    match kind:
        case kinds.StructType() | kinds.DataclassType():
            return " of tables"
        case kinds.StrType():
            return " of texts"
        case kinds.IntType() | kinds.FloatType():
            return " of numbers"
        case _:
            return ""


def _bounds(kind: kinds.IntType | kinds.FloatType) -> str:
    said = [
        text.format(f"{bound:g}")
        for text, bound in (("{} or more", kind.ge), ("more than {}", kind.gt), ("{} or less", kind.le), ("less than {}", kind.lt))
        if bound is not None
    ]  # fmt: skip
    return f", {', '.join(said)}" if said else ""


def shown(value: Any) -> str:
    """A value as it was written, or its kind."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | int | float | str) else str(value)


def kind_at(kind: Any, path: Path) -> Any:
    """The type of what stands at a path; None where it has none."""
    for part in path:
        kind = _plain(kind)
        if isinstance(kind, Tables):
            kind = next((one.type for one in kind.fields if one.encode_name == part), None)
        else:
            kind = kind.item_type if isinstance(kind, kinds.ListType) else None
    return kind


def _plain(kind: Any) -> Any:
    """A type without its None."""
    if isinstance(kind, kinds.UnionType):
        return next((one for one in kind.types if not isinstance(one, kinds.NoneType)), kind)
    return kind


def strangers(kind: Any, value: Any, within: Path = ()) -> Iterator[Path]:
    """The keys that no table of this type has."""
    kind = _plain(kind)
    if isinstance(kind, Tables) and isinstance(value, dict):
        known = {one.encode_name: one.type for one in kind.fields}
        for key, inner in value.items():
            if key in known:
                yield from strangers(known[key], inner, (*within, key))
            else:
                yield (*within, key)
    elif isinstance(kind, kinds.ListType) and isinstance(value, list):
        for place, inner in enumerate(value):
            yield from strangers(kind.item_type, inner, (*within, place))


def names_in(kind: Any) -> list[str]:
    """The names of a table's keys."""
    kind = _plain(kind)
    return [one.encode_name for one in kind.fields] if isinstance(kind, Tables) else []
