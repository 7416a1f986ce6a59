"""Fields of a body that was read strictly: each of its type, or absent. NotStrict says the field and what it has to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final

from headgate.message.strict_json import NotStrict

# No model says or reads two thousand million tokens; and what so many cost still fits into 64 bits.
MOST_COUNT: Final = 2**31 - 1
ANY_COUNT: Final = (1, MOST_COUNT)
# A seed may be any number of 64 bits.
SEED: Final = (-(2**63), 2**63 - 1)
# Answers to one request. OpenAI makes up to 128, others fewer; who runs a model at home may want some more.
ANSWERS: Final = (1, 1000)


def a_bool(value: Any, name: str) -> bool:
    """True or false; absent is false."""
    if value is not None and not isinstance(value, bool):
        raise NotStrict(f"`{name}` has to be true or false.", name)
    return bool(value)


def a_count(value: Any, name: str, *, least: int = 1, most: int = MOST_COUNT) -> int | None:
    """A whole number from `least` to `most`."""
    if value is not None and (type(value) is not int or not least <= value <= most):
        above = f" above {least - 1}" if least > 0 else ""
        up_to = f" up to {most}" if type(value) is int and value > most else ""
        raise NotStrict(f"`{name}` has to be a whole number{above}{up_to}.", name)
    return value


def check_counts(raw: Mapping[str, Any], of: Mapping[str, tuple[int, int]], where: str = "") -> None:
    """NotStrict where one of these fields is there and no whole number between the two that are given for it."""
    for name, (least, most) in of.items():
        if raw.get(name) is not None:
            a_count(raw[name], f"{where}{name}", least=least, most=most)


def check_numbers(raw: Mapping[str, Any], names: Iterable[str], where: str = "") -> None:
    """NotStrict where one of these fields is there and no number."""
    for name in names:
        a_number(raw.get(name), f"{where}{name}")


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
