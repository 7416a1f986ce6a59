"""A request in its one canonical form: matching, checks, steps and the upstream all read this.

`path` is decoded once and has no dot segments, empty segments inside, or encoded slashes (message.url);
`raw_path` is the same path encoded again, which is what an upstream is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.message.url import QueryPairs, parse_query, render_query

if TYPE_CHECKING:
    from headgate.message.body import Body
    from headgate.message.headers import Headers

# RFC 9110 §9.2.2
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a client's certificate says of it, where a CA of ours has signed it.

    `name` is its common name, or its first other name; `fingerprint` is the SHA-256 of all of it, in hexadecimal.
    """

    name: str
    dns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Who opened the connection: the peer's address as the socket knows it, never as a header says it."""

    ip: str
    port: int
    tls: bool = False
    certificate: Certificate | None = None


class Request:
    """One request as it came, in canonical form. `id` is ours, unique, and goes out as `x-request-id`.

    `upgrade` is the protocol that the client asks to go on in ("websocket"), or None.
    `tunnelled` counts the bytes that came once it did.
    """

    __slots__ = (
        "_came",
        "_query",
        "body",
        "headers",
        "host",
        "http_version",
        "id",
        "method",
        "path",
        "query_string",
        "raw_path",
        "scheme",
        "tunnelled",
        "upgrade",
    )

    def __init__(
        self,
        *,
        method: str,
        path: str,
        raw_path: bytes,
        query_string: bytes,
        host: str,
        scheme: str,
        headers: Headers,
        body: Body,
        id: str,
        http_version: str = "1.1",
        upgrade: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.query_string = query_string
        self.host = host
        self.scheme = scheme
        self.headers = headers
        self.body = body
        self._came = body
        self.id = id
        self.http_version = http_version
        self.upgrade = upgrade
        self.tunnelled = 0
        self._query: QueryPairs | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.host}{self.path} [{self.id}]>"

    @property
    def idempotent(self) -> bool:
        """Whether the method alone makes it safe to send twice (RFC 9110 §9.2.2)."""
        return self.method in IDEMPOTENT

    @property
    def size(self) -> int | None:
        """The declared size of the body in bytes; None where it is chunked."""
        return self.body.length

    @property
    def query(self) -> QueryPairs:
        """The decoded query, parsed when first asked for."""
        if self._query is None:
            self._query = parse_query(self.query_string)
        return self._query

    def query_value(self, name: str) -> str | None:
        """The first value of a query parameter, decoded, or None."""
        for key, value in self.query:
            if key == name:
                return value
        return None

    @property
    def received(self) -> int:
        """How many bytes of the body have arrived so far, whatever steps have put around it since; and of what came after an
        upgrade."""
        received = getattr(self._came, "received", None)
        return self.tunnelled + (received if isinstance(received, int) else self._came.length or 0)

    def set_query(self, name: str, value: str | None) -> None:
        """Replace every pair of that name by one, or drop them where `value` is None."""
        pairs = [pair for pair in self.query if pair[0] != name]
        if value is not None:
            pairs.append((name, value))
        self._query = pairs
        self.query_string = render_query(pairs)

    def cookie(self, name: str) -> str | None:
        """The first cookie of that name, or None (RFC 6265 §5.4: pairs split at `; `)."""
        for line in self.headers.all(b"cookie"):
            for pair in line.decode("latin-1").split(";"):
                key, equals, value = pair.strip().partition("=")
                if equals and key == name:
                    return value.strip('"')
        return None
