"""Whether a value that was made of what others sent holds what its type says.

Whoever translates a dialect need not distrust each field: what it stumbles over, and what it makes with a wrong type in it,
is found here, before anybody relies on it.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

# What a translation stumbles with over what is not as it has to be.
STUMBLES: Final = (
    msgspec.MsgspecError, KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError,
)  # fmt: skip

_T = TypeVar("_T")


# What msgspec says of two types, and how it calls them.
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`, got `([^`]+)`(?: - at `\$\.?([^`]*)`)?")
_CALLED: Final = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "an object", "null": "absent",
}  # fmt: skip


class IllTyped(ValueError):
    """What is wrong with a value: `where`, and a sentence about it."""

    def __init__(self, said: str = "") -> None:
        found = _EXPECTED.match(said)
        self.where = (found[3] or "") if found is not None else ""
        if found is None:
            super().__init__("Something is of another type than its own.")
        else:
            wanted = [_CALLED.get(one, one) for one in found[1].split(" | ")]
            super().__init__(
                f"`{self.where}` has to be {' or '.join(wanted)}, and is {_CALLED.get(found[2], found[2])}."
            )


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
