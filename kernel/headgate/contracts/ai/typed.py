"""Whether a value that was made of what others sent holds what its type says.

Whoever translates a dialect need not distrust each field: what it stumbles over, and what it makes with a wrong type in it,
is found here, before anybody relies on it.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

# What a translation stumbles with over what is not as it has to be.
STUMBLES: Final = (
    msgspec.MsgspecError, KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError,
)  # fmt: skip

_T = TypeVar("_T")


class IllTyped(ValueError):
    """What is wrong with a value: `where`, and half a sentence about it."""

    def __init__(self, said: str = "something is not of its type") -> None:
        what, _, where = said.partition(" - at ")
        super().__init__(what)
        self.where = where.strip("`").removeprefix("$").removeprefix(".")


def typed(value: _T, kind: Any) -> _T:
    """The value, which holds what its type says and can be told in JSON. IllTyped."""
    try:
        msgspec.convert(msgspec.to_builtins(value), kind)
        msgspec.json.encode(value)
    except msgspec.ValidationError as error:
        raise IllTyped(str(error)) from None
    except STUMBLES:
        raise IllTyped from None
    return value
