"""Fields of a body that was read strictly: each of its type, or absent. NotStrict says the field and what it has to be."""

from __future__ import annotations

from math import isfinite
from typing import Any

from headgate.message.strict_json import NotStrict


def a_bool(value: Any, name: str) -> bool:
    """True or false; absent is false."""
    if value is not None and not isinstance(value, bool):
        raise NotStrict(f"`{name}` has to be true or false.", name)
    return bool(value)


def a_count(value: Any, name: str, *, least: int = 1) -> int | None:
    """A whole number of at least `least`."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
        above = f" above {least - 1}" if least > 0 else ""
        raise NotStrict(f"`{name}` has to be a whole number{above}.", name)
    return value


def a_number(value: Any, name: str) -> float | None:
    """A number that is one: neither infinite nor not a number."""
    if value is not None and (not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value)):
        raise NotStrict(f"`{name}` has to be a number.", name)
    return value


def a_list(value: Any, name: str) -> list[Any] | None:
    """A list of anything."""
    if value is not None and not isinstance(value, list):
        raise NotStrict(f"`{name}` has to be a list.", name)
    return value
