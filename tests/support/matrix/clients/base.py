"""What a driver of an SDK can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from matrix.asks import Ask, Fault, Heard

TIMEOUT_S = 20.0
MODEL = "whatever-the-program-says"


class Client(Protocol):
    """One SDK at one address. `stops` are its words for the reasons to stop."""

    name: ClassVar[str]
    sdk: ClassVar[str]
    dialect: ClassVar[str]
    path: ClassVar[str]
    """Where its chats arrive, behind the base that it was given; as a route of a policy has it."""
    stops: ClassVar[dict[str, str]]
    faults: ClassVar[dict[int, str]]
    """The class that it raises for a status."""

    def __init__(self, base: str, key: str) -> None: ...

    def whole(self, ask: Ask) -> Heard: ...

    def stream(self, ask: Ask) -> Heard: ...

    def events(self, ask: Ask) -> Iterator[Any]:
        """The events of a stream, raw; to close the iterator is to hang up."""
        ...

    def fault(self, error: Exception) -> Fault: ...

    def close(self) -> None: ...
