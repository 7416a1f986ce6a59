"""What a test can see of the last request it sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from headgate.contracts.transport import Outgoing
from headgate.contracts.values import Money
from headgate.message.headers import Headers
from headgate.message.url import parse_query


class HeaderMap(dict[str, str]):
    """Header lines by name, in any case."""

    def __init__(self, headers: Headers) -> None:
        super().__init__({name.decode("latin-1"): headers.text(name.decode("latin-1")) or "" for name, _ in headers})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Bytes:
    """A body as a test asks for it: bytes, text, or JSON (None where it is none)."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None


class Answer(Bytes):
    """What the client got."""

    __slots__ = ("header", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(body)
        self.status = status
        self.header = HeaderMap(headers)


class Sent(Bytes):
    """What an upstream was sent."""

    __slots__ = ("header", "method", "path", "query")

    def __init__(self, outgoing: Outgoing, body: bytes) -> None:
        super().__init__(body)
        self.method = outgoing.method
        path, _, query = outgoing.path.partition(b"?")
        self.path = path.decode("ascii")
        self.query = dict(reversed(parse_query(query)))
        self.header = HeaderMap(Headers(outgoing.headers))


@dataclass(slots=True)
class Observed:
    """Everything a test may ask for; the names are those of `language.check.scenarios`."""

    status: int = 0
    response: Answer = field(default_factory=lambda: Answer(0, Headers(), b""))
    served: Any = None
    usage: Any = None
    caller: Any = None
    outcome: str = ""
    logged: dict[str, Any] = field(default_factory=dict)
    requests: dict[str, list[Sent]] = field(default_factory=dict)
    shadows: dict[str, str] = field(default_factory=dict)
    accounts: Any = None

    def sent(self, name: str) -> Sent:
        """The last request to an upstream; a failed expectation where there was none."""
        if not self.requests.get(name):
            raise LookupError(f"`{name}` was never called")
        return self.requests[name][-1]

    def calls(self, name: str) -> int:
        return len(self.requests.get(name, ()))

    def called(self, name: str) -> bool:
        return self.calls(name) > 0

    def spent(self, account: str) -> Money:
        if self.accounts is None:
            raise LookupError("no installed plugin keeps accounts")
        return Money(self.accounts.spent(account))

    def shadowed(self, step: str) -> str | None:
        """`pass`, or the kind a shadowed step would have raised; None where it did not run."""
        return self.shadows.get(step)
