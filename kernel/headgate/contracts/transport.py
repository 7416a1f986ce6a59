"""The way out: what routing and AI plugins ask of `headgate.upstream`, and what in-file tests fake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import urlsplit

from headgate.message.headers import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    import trio

    from headgate.message.body import Body
    from headgate.message.response import Response

_HOST = re.compile(r"[\w.:%-]+", re.ASCII)
_PATH = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Target:
    """One address to send to, from a URL. `path` is the base under which every request stays, without a final /.

    `ca_file` is the path of the only CA to trust for an https target; None is what the platform trusts.
    `http` is the highest version of HTTP to offer: 2 is spoken where ALPN agrees on it, and to http targets unasked.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    ca_file: str | None = None
    http: int = 1

    @classmethod
    def parse(cls, url: str, *, ca_file: str | None = None, http: int = 1) -> Target:
        """From `http[s]://host[:port][/base]`; ValueError where it is anything else."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// or https:// URL with a host")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError(f"{url!r} may hold no query, fragment, user or password")
        if http not in (1, 2):
            raise ValueError(f"{url!r} cannot be spoken to in HTTP/{http}; 1 and 2 are what there is")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        if not _HOST.fullmatch(host) or not _PATH.fullmatch(parts.path):
            raise ValueError(f"{url!r} holds a character that no URL may hold as it is; write it as %20")
        return cls(parts.scheme, host, port, parts.path.rstrip("/"), ca_file, http)

    @property
    def authority(self) -> str:
        """Host and port as the Host header wants them: no default port, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `connect_s`: TCP and TLS. `head_s`: from sending to the answer's head. `idle_s`: silence between
    bytes of the body. `total_s`: all of it. None is no bound."""

    connect_s: float | None = 5.0
    head_s: float | None = 60.0
    idle_s: float | None = 60.0
    total_s: float | None = None


class Outgoing:
    """A request on its way out. `path` is the canonical, encoded path with query, to be put behind the target's base.

    `headers` are end-to-end lines only; framing and connection lines are the transport's. So is Host, which is the
    target's, unless `headers` hold a `host` line: then that is sent (the target still decides address and TLS name).
    A `bytes` body may be sent again on a retry, a `Body` only while nothing of it was read. The transport reads a
    `Body` and never closes it: it stays its owner's. `resource` is the name of the policy's resource that this goes
    to, and `fake` turns what a test gave for it (`chat_reply(…)`) into an answer.

    `upgrade` is a protocol to go on in, as the client asked for it ("websocket"); an answer of 101 then has a `Tunnel` for
    its body. `sent` is whether a byte of it can have reached the target, whichever way `send` ended; a transport that does not know
    leaves it true.
    """

    __slots__ = ("body", "fake", "headers", "idempotent", "method", "path", "resource", "sent", "upgrade")

    def __init__(
        self,
        method: str,
        path: bytes,
        headers: list[Line],
        body: bytes | Body = b"",
        *,
        idempotent: bool = False,
        resource: str = "",
        fake: Callable[[object], Response] | None = None,
        upgrade: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.idempotent = idempotent
        self.resource = resource
        self.fake = fake
        self.sent = True
        self.upgrade = upgrade

    def __repr__(self) -> str:
        return f"<Outgoing {self.method} {self.path.decode('ascii', 'replace')}>"


class Transport(Protocol):
    """Sends one request to one target and gives the head of its answer, the body still to come."""

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        """The final answer (1xx are skipped). Raises UpstreamFault. Cancelling it closes the connection.

        The body must be read to its end or closed. An answer whose body dies raises UpstreamFault from `read`.
        """
        ...

    async def aclose(self) -> None:
        """Close every idle connection; those in use close when they end."""
        ...


@runtime_checkable
class Tended(Protocol):
    """A transport that does something beside the calls, such as keeping time or connections."""

    async def run(self, task_status: trio.TaskStatus[None] = ...) -> None:
        """Do it until cancelled; started when calls may be made."""
        ...
