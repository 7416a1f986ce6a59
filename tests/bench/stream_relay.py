"""A bare relay in trio: bytes from one socket to another, both ways, and nothing else. What there is to be compared with."""

from __future__ import annotations

import sys
from functools import partial

import trio


async def relay(upstream_port: int, client: trio.SocketStream) -> None:
    """One connection of a client, and one to the upstream for it."""
    upstream = await trio.open_tcp_stream("127.0.0.1", upstream_port)
    async with client, upstream, trio.open_nursery() as nursery:
        nursery.start_soon(pump, client, upstream, nursery)
        nursery.start_soon(pump, upstream, client, nursery)


async def pump(source: trio.SocketStream, sink: trio.SocketStream, nursery: trio.Nursery) -> None:
    """Give on what comes, as it comes."""
    try:
        while data := await source.receive_some(65536):
            await sink.send_all(data)
    except trio.BrokenResourceError:
        pass
    nursery.cancel_scope.cancel()


async def main(port: int, upstream_port: int) -> None:
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    print("listening", file=sys.stderr, flush=True)
    await trio.serve_listeners(partial(relay, upstream_port), listeners)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), int(sys.argv[2]))
