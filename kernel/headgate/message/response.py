"""An answer: a status, header lines, and a body that may still be on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.message.headers import Headers, Line

if TYPE_CHECKING:
    from headgate.message.body import Body


class Response:
    """What the client will get. `body` is bytes when all of it is known, else a `Body` to relay.

    `content-length`, `transfer-encoding` and `connection` are the wire's: no one else sets them. It writes `date` where there
    is none.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Headers | list[Line] | None = None, body: bytes | Body = b"") -> None:
        self.status = status
        self.headers = headers if isinstance(headers, Headers) else Headers(headers or ())
        self.body = body

    def __repr__(self) -> str:
        size = f"{len(self.body)} bytes" if isinstance(self.body, bytes) else "streaming"
        return f"<Response {self.status} [{len(self.headers)} headers, {size}]>"

    async def aclose(self) -> None:
        """Give up a body that was not relayed."""
        if not isinstance(self.body, bytes):
            await self.body.aclose()
