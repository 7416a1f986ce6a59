"""A lane to talk to: over a real socket, or over memory where the clock must jump."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from headgate.message import Client, Response
from headgate.wire import Connections, Limits, open_listeners, serve_lane


class Answer:
    """One answer as a client reads it. `whole` is False where the connection ended before the body did."""

    def __init__(self, status, headers, body, whole, framing):
        self.status, self.headers, self.body, self.whole, self.framing = status, headers, body, whole, framing

    def __repr__(self):
        return f"<Answer {self.status} {self.framing} {self.body[:200]!r}{'' if self.whole else ' truncated'}>"

    def json(self):
        return json.loads(self.body)


class Talk:
    """A client that says bytes and reads answers, strictly enough to notice wrong framing."""

    def __init__(self, stream):
        self.stream = stream
        self.data = b""

    async def say(self, data):
        await self.stream.send_all(data)

    async def _more(self):
        try:
            piece = await self.stream.receive_some(65536)
        except trio.BrokenResourceError:
            piece = b""
        self.data += piece
        return bool(piece)

    async def _until(self, mark):
        while mark not in self.data:
            if not await self._more():
                raise EOFError(f"closed after {self.data!r}")
        found, _, self.data = self.data.partition(mark)
        return found

    async def _exactly(self, size):
        while len(self.data) < size:
            if not await self._more():
                return None
        found, self.data = self.data[:size], self.data[size:]
        return found

    async def answer(self, head_only=False):
        head = await self._until(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        assert first.startswith(b"HTTP/1.1 "), first
        status = int(first.split(b" ")[1])
        headers = [tuple(line.split(b": ", 1)) for line in lines]
        named = dict(headers)
        if head_only or status < 200 or status in (204, 304):
            return Answer(status, named, b"", True, "none")
        if b"content-length" in named:
            body = await self._exactly(int(named[b"content-length"]))
            return Answer(status, named, self.data if body is None else body, body is not None, "length")
        if named.get(b"transfer-encoding") == b"chunked":
            return await self._chunked(status, named)
        while await self._more():
            pass
        body, self.data = self.data, b""
        return Answer(status, named, body, True, "close")

    async def _chunked(self, status, named):
        body = b""
        try:
            while size := int(await self._until(b"\r\n"), 16):
                piece = await self._exactly(size)
                if piece is None:
                    return Answer(status, named, body + self.data, False, "chunked")
                body += piece
                assert await self._exactly(2) == b"\r\n"
        except EOFError:
            return Answer(status, named, body, False, "chunked")
        assert await self._exactly(2) == b"\r\n"
        return Answer(status, named, body, True, "chunked")

    async def closed(self):
        """Wait for the other side's end; what came before it."""
        while await self._more():
            pass
        return self.data


class Lane:
    """A running lane. `refused` collects what it refused."""

    def __init__(self, nursery):
        self.nursery = nursery
        self.refused = []
        self.connections = None
        self.address = None

    def on_refused(self, client, refusal):
        self.refused.append(refusal)

    async def connect(self):
        return Talk(await trio.open_tcp_stream(*self.address[:2]))

    def memory(self, pair=trio.testing.memory_stream_pair):
        ours, theirs = pair()
        self.nursery.start_soon(self.connections.serve_stream, theirs, Client("192.0.2.1", 4711))
        return Talk(ours)


async def echo(request, client, reply):
    """Say what arrived."""
    body = b""
    while piece := await request.body.read():
        body += piece
    said = {
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode(),
        "host": request.host,
        "version": request.http_version,
        "scheme": request.scheme,
        "body": body.decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
    }
    await reply.send(Response(200, [(b"content-type", b"application/json")], json.dumps(said).encode()))


@pytest.fixture
def until():
    """`await until(lambda: ...)`: for what the lane tells nobody about."""

    async def wait(condition):
        while not condition():
            await trio.sleep(0.01)

    return wait


@pytest.fixture
def lane():
    """`async with lane(handler, socket=False, **limits) as node`"""

    @asynccontextmanager
    async def start(handler=echo, *, socket=True, **limits):
        async with trio.open_nursery() as nursery:
            node = Lane(nursery)
            if socket:
                listeners = open_listeners("127.0.0.1", 0)
                node.address = listeners[0].getsockname()
                serve = serve_lane
                node.connections = await nursery.start(
                    lambda task_status: serve(
                        listeners, handler, Limits(**limits), on_refused=node.on_refused, task_status=task_status
                    )
                )
            else:
                node.connections = Connections(handler, Limits(**limits), on_refused=node.on_refused)
                nursery.start_soon(node.connections.sweep)
            yield node
            nursery.cancel_scope.cancel()

    return start
