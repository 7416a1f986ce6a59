"""How the language's values look in Python.

| in a policy            | in Python                                   |
|------------------------|---------------------------------------------|
| bool int number text   | bool, int, float, str                       |
| bytes                  | bytes                                       |
| duration               | float, seconds                              |
| size                   | int, bytes (1KB is 1024 bytes)              |
| rate                   | `Rate`                                      |
| money                  | `Money`: int, 10⁻⁹ of the currency          |
| percent                | float, 1% is 0.01                           |
| status                 | int; a class such as 5xx is `StatusClass`   |
| time                   | float, seconds since 1970, UTC              |
| ip                     | str, canonical                              |
| network                | `ipaddress.IPv4Network` or `IPv6Network`    |
| regex                  | a compiled `re2` pattern                    |
| json list map          | None, bool, int, float, str, list, dict     |
| T?                     | the value, or None                          |
| a record               | an object with those attributes             |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NANO: Final = 1_000_000_000


class Money(int):
    """An exact amount in 10⁻⁹ of the currency; `$0.25` is Money(250_000_000)."""

    __slots__ = ()

    def __add__(self, other: int) -> Money:
        return Money(int(self) + int(other))

    def __sub__(self, other: int) -> Money:
        return Money(int(self) - int(other))

    def __mul__(self, times: int) -> Money:
        return Money(int(self) * int(times))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-int(self))

    def __str__(self) -> str:
        whole, rest = divmod(abs(int(self)), NANO)
        digits = f"{rest:09d}".rstrip("0").ljust(2, "0")
        return f"{'-' if self < 0 else ''}${whole}.{digits}"

    def __repr__(self) -> str:
        return f"<Money {self}>"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many per period: `100/min` is Rate(100, 60.0)."""

    count: int
    period_s: float

    def __str__(self) -> str:
        names = {1.0: "s", 60.0: "min", 3600.0: "h", 86400.0: "day"}
        return f"{self.count}/{names.get(self.period_s, f'{self.period_s}s')}"


@dataclass(frozen=True, slots=True)
class StatusClass:
    """A class of statuses: `5xx` is StatusClass(5)."""

    hundreds: int

    def __contains__(self, status: object) -> bool:
        return isinstance(status, int) and status // 100 == self.hundreds

    def __str__(self) -> str:
        return f"{self.hundreds}xx"


class Secret:
    """A value that never prints, compares or serialises. Only the parameter it was meant for reveals it."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self._value = value

    @property
    def is_set(self) -> bool:
        return bool(self._value)

    def reveal(self) -> str:
        """The secret itself. Call it at the last moment, into a header or a socket; KeyError if unset."""
        if not self._value:
            raise KeyError(self.name)
        return self._value

    def __repr__(self) -> str:
        return f"<Secret {self.name} [{'set' if self.is_set else 'not set'}]>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")
