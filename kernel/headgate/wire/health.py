"""`/-/health` and `/-/ready`: whether a node lives, and whether it may be sent requests.

A GET is answered and the connection closed; there is nothing else here. It shares nothing with the lane, so that it
answers whatever the lane has to do.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import trio

from headgate.message.reasons import REASONS

# A probe's head has some two hundred bytes.
HEAD_BYTES: Final = 8192
HEAD_S: Final = 5.0
AT_A_TIME: Final = 64


@dataclass(frozen=True, slots=True)
class Condition:
    """How a node is. `lives`: something in it works; `ready`: it serves and takes more. `detail` is for people."""

    lives: bool
    ready: bool
    detail: dict[str, Any]


Look = Callable[[], Condition]


def respond(head: bytes, look: Look) -> bytes:
    """The whole answer to the head of a request."""
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    target, _, version = rest.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        return _answer(400, {"status": "not HTTP/1.1"}, b"GET")
    path = target.partition(b"?")[0]
    if path not in (b"/-/health", b"/-/ready"):
        return _answer(404, {"status": "there are /-/health and /-/ready"}, method)
    if method not in (b"GET", b"HEAD"):
        return _answer(405, {"status": "GET it"}, method, b"allow: GET, HEAD\r\n")
    condition = look()
    well = condition.lives if path == b"/-/health" else condition.ready
    said = (
        ("alive" if path == b"/-/health" else "ready")
        if well
        else "not " + ("alive" if path == b"/-/health" else "ready")
    )
    return _answer(200 if well else 503, {"status": said, **condition.detail}, method)


def _answer(status: int, document: dict[str, Any], method: bytes, more: bytes = b"") -> bytes:
    body = msgspec.json.encode(document) + b"\n"
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        "cache-control: no-store\r\nconnection: close\r\n"
    ).encode()
    return head + more + b"\r\n" + (b"" if method == b"HEAD" else body)


async def serve_health(sockets: Sequence[socket.socket], look: Look) -> None:
    """Answer on these sockets until cancelled, beside whatever else the loop does. Closes them."""
    room = trio.Semaphore(AT_A_TIME)
    listeners = []
    for sock in sockets:
        listeners.append(trio.SocketListener(trio.socket.from_stdlib_socket(sock)))

    async def one(stream: trio.SocketStream) -> None:
        async with room:
            with trio.move_on_after(HEAD_S):
                try:
                    await _serve_one(stream, look)
                except trio.BrokenResourceError:
                    pass

    await trio.serve_listeners(one, listeners)


async def _serve_one(stream: trio.SocketStream, look: Look) -> None:
    async with stream:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES:
            data = await stream.receive_some(HEAD_BYTES)
            if not data:
                return
            head += data
        await stream.send_all(respond(head, look))
