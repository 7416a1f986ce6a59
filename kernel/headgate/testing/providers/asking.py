"""What passes between a simulator and its endpoints: a request, the turn that answers it, a reply, a refusal."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from headgate.message.headers import Headers
from headgate.testing.providers.forms import form_of
from headgate.testing.providers.frames import Frame
from headgate.testing.providers.says import Fails, Kind, Says, Tokens
from headgate.testing.upstreams import Received

EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in; `path` is without the query.

    `body` is its JSON, or the fields of its form (see `forms`), or None where it is neither.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Headers
    body: Any
    raw: bytes

    @classmethod
    def of(cls, received: Received) -> Asked:
        """Read what a wire received."""
        path, _, query = received.path.partition("?")
        pairs = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        form = form_of(received.headers, received.body)
        body = _json(received.body) if form is None else form
        return cls(received.method, path, pairs, received.headers, body, received.body)

    def header(self, name: str) -> str:
        """The value of a header; "" where there is none."""
        return self.headers.text(name) or ""


class Refused(Exception):
    """The provider does not take this request."""

    def __init__(self, fails: Fails) -> None:
        super().__init__(fails.message)
        self.fails = fails


def refuse(message: str, kind: Kind = "bad", param: str | None = None) -> Refused:
    """A refusal to raise."""
    return Refused(Fails(kind, message, param=param))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer for the wire: whole (`body`) or in events (`frames`). It `costs` what the turn costs, if not less."""

    body: bytes = b""
    frames: Iterable[Frame] | None = None
    content_type: str = "application/json"
    costs: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One request with the answer that the script has for it, and a number that makes ids."""

    asked: Asked
    says: Says
    tokens: Tokens
    number: int


class Endpoint(Protocol):
    """One operation of a provider."""

    method: str
    pattern: re.Pattern[str]

    def check(self, asked: Asked) -> None:
        """Raises Refused where the real one would refuse."""

    def reply(self, turn: Turn) -> Reply:
        """What it answers."""


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
