"""`log.call durable=true`: the last bytes wait for the row, and an answer that breaks off says all that it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import trio

from headgate.api import Exchange, Response, UpstreamFault, hookimpl, step
from headgate.testing import open_gate

POLICY = """policy 1

route stream GET /stream public {
    stream.durable
    stream.answer breaks=false
}

route broken GET /broken public {
    stream.durable
    stream.answer breaks=true
}
"""


class Pieces:
    """Three pieces, and then an end or a break."""

    length = None

    def __init__(self, breaks: bool) -> None:
        self.left = [b"one ", b"two ", b"three"]
        self.breaks = breaks

    async def read(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if self.left:
            return self.left.pop(0)
        if self.breaks:
            raise UpstreamFault("upstream.protocol", "It broke off.")
        return b""

    async def aclose(self) -> None: ...


class Stream:
    @hookimpl
    def register_steps(self) -> list[Callable[..., Any]]:
        @step("stream.durable")
        def durable(ctx: Exchange) -> None:
            """As log.call durable=true."""
            ctx.durable = True

        @step("stream.answer", hinge=True, raises=("upstream.protocol",))
        def answer(ctx: Exchange, *, breaks: bool) -> None:
            """Answer in pieces."""
            ctx.answer(Response(200, [], Pieces(breaks)))

        return [durable, answer]


async def test_the_last_piece_waits_for_the_row() -> None:
    async with open_gate(POLICY, plugins=[("stream", Stream)], discover=False) as gate:
        committed = trio.Event()
        order: list[str] = []

        async def slowly(row: Mapping[str, Any]) -> None:
            order.append("row")
            await trio.sleep(0.05)
            gate.calls.rows.append(row)
            committed.set()

        gate.calls.add_durably = slowly  # type: ignore[method-assign]
        answer = await gate.send("GET", "/stream")
        assert committed.is_set(), "the answer was whole before its row was committed"
        assert answer.text == "one two three"
        assert [row["route"] for row in gate.rows] == ["stream"]
        assert order == ["row"]


async def test_an_answer_that_breaks_off_keeps_no_piece_back() -> None:
    async with open_gate(POLICY, plugins=[("stream", Stream)], discover=False) as gate:
        stream = await trio.open_tcp_stream("127.0.0.1", int(gate.url.rsplit(":", 1)[1]))
        await stream.send_all(b"GET /broken HTTP/1.1\r\nhost: a\r\n\r\n")
        received = b""
        try:
            while piece := await stream.receive_some():
                received += piece
        except trio.BrokenResourceError:
            pass
        await stream.aclose()
        assert b"three" in received
        assert not received.endswith(b"0\r\n\r\n"), "a truncated answer looks whole"
        assert (await gate.row(0))["outcome"] == "cut"
