"""What the engine needs of the client's side; both doors of the wire have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from headgate.message.headers import Line
from headgate.message.response import Response


class Reply(Protocol):
    """See `wire.writer.Reply`, which is the one on HTTP/1.1."""

    bytes_out: int
    head_sent: bool

    async def send(self, response: Response) -> None: ...
    async def head(self, status: int, headers: Iterable[Line], length: int | None) -> None: ...
    async def write(self, piece: bytes) -> None: ...
    async def flush(self) -> None: ...
    async def end(self) -> None: ...
    async def abort(self) -> None: ...
    async def wait_gone(self) -> None: ...
