"""Finish happens exactly once, wherever an exchange is cut: over a real socket, at every await point in turn."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import trio

from headgate.api import CLOSE, Exchange, Response, Run, block, hookimpl, step
from headgate.testing import Gate, open_gate

POLICY = """policy 1

route all POST /all public {
    probe.watch
    probe.block {
        probe.answer
    }
    set response.header["x-seen"] = "yes"
    finally { probe.last }
}
"""


class Pieces:
    """A body that waits before every piece, and counts how often it is closed."""

    length = None

    def __init__(self, probe: Probe, count: int) -> None:
        self.probe = probe
        self.left = count
        self.open = True

    async def read(self) -> bytes:
        await self.probe.point()
        if not self.left:
            return b""
        self.left -= 1
        return b"piece " * 100

    async def aclose(self) -> None:
        if self.open:
            self.open = False
            self.probe.count["body closed"] += 1
        await trio.lowlevel.checkpoint()


class Probe:
    """Steps that wait, that attach work for later, and that crash when they are told to."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.points = 0
        self.crash_at: int | None = None

    async def point(self) -> None:
        self.points += 1
        if self.points == self.crash_at:
            raise RuntimeError("a step crashed")
        await trio.lowlevel.checkpoint()

    @hookimpl
    def register_steps(self) -> list[Callable[..., Any]]:
        return [self.watch, self.block, self.answer, self.last]

    @step("probe.watch", after=CLOSE)
    async def watch(self, ctx: Exchange) -> None:
        """Count the close."""
        self.count["begun"] += 1
        ctx.on_close(self.closed)
        await self.point()

    async def closed(self, ctx: Exchange) -> None:
        await trio.lowlevel.checkpoint()
        self.count["closed"] += 1

    @block("probe.block", after=CLOSE)
    async def block(self, ctx: Exchange, run: Run, /) -> None:
        """Reserve, run, settle at the close."""
        self.count["reserved"] += 1

        async def settle(ctx: Exchange) -> None:
            self.count["settled"] += 1
            await trio.lowlevel.checkpoint()

        ctx.on_close(settle)
        await self.point()
        await run()
        await self.point()

    @step("probe.answer", hinge=True)
    async def answer(self, ctx: Exchange) -> None:
        """Answer with a stream."""
        await self.point()
        self.count["body opened"] += 1
        ctx.answer(Response(200, [], Pieces(self, 3)))

    @step("probe.last", observes=True)
    def last(self, ctx: Exchange) -> None:
        """Count `finally`."""
        self.count["finally"] += 1


class Cut(trio.abc.Instrument):
    """Does something at the k-th time that the task of the connection is suspended."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0
        self.cut: Callable[[], None] | None = None

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.cut is not None and task.name.endswith("Connections.serve"):
            self.seen += 1
            if self.seen == self.at:
                self.cut()


async def run_once(gate: Gate, cut: Cut, how: str) -> None:
    """One request, cut at the k-th await of its connection's task."""
    client = socket.create_connection(("127.0.0.1", int(gate.url.rsplit(":", 1)[1])))
    client.setblocking(False)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(client))
    live = gate.server.connections[0].live

    def hang_up() -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.shutdown(socket.SHUT_RDWR)

    def cancel() -> None:
        for connection in live:
            connection.scope.cancel()

    cut.cut = {"hang up": hang_up, "cancel": cancel, "crash": lambda: None}[how]
    with trio.move_on_after(5) as limit:
        try:
            await stream.send_all(b"POST /all HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")
            while await stream.receive_some(65536):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await stream.aclose()
        while live:
            await trio.lowlevel.checkpoint()
    assert not limit.cancelled_caught, f"{how} at await {cut.at} left the connection hanging"
    cut.cut = None


def check(probe: Probe, gate: Gate, where: str) -> None:
    count, rows = probe.count, gate.rows
    assert len(rows) == gate.server.engine.handled, (
        f"{where}: {len(rows)} rows for {gate.server.engine.handled} exchanges"
    )
    assert len(rows) <= 1, where
    assert count["closed"] == count["begun"], f"{where}: {count}"
    assert count["settled"] == count["reserved"], f"{where}: {count}"
    assert count["finally"] == len(rows), f"{where}: {count}"
    assert count["body closed"] == count["body opened"], f"{where}: {count}"
    assert gate.server.engine.snapshot.active == 0, where
    if rows:
        assert rows[0]["outcome"] in ("ok", "failed", "client_gone", "cut"), where


@pytest.mark.parametrize("how", ["hang up", "cancel"])
async def test_finish_happens_once_wherever_the_exchange_is_cut(how: str) -> None:
    outcomes: Counter[str] = Counter()
    for at in range(1, 200):
        probe, cut = Probe(), Cut(at)
        async with open_gate(POLICY, plugins=[("probe", lambda probe=probe: probe)], discover=False) as gate:
            trio.lowlevel.add_instrument(cut)
            try:
                await run_once(gate, cut, how)
            finally:
                trio.lowlevel.remove_instrument(cut)
            check(probe, gate, f"{how} at await {at}")
            outcomes.update(str(row["outcome"]) for row in gate.rows)
        if cut.seen < at:
            break
    else:
        pytest.fail("the exchange never got through uncut")
    assert outcomes["ok"] >= 1
    assert outcomes["client_gone"] + outcomes["cut"] + outcomes["failed"] >= 5, outcomes


async def test_finish_happens_once_wherever_a_step_or_a_body_crashes(caplog: pytest.LogCaptureFixture) -> None:
    outcomes: Counter[str] = Counter()
    for at in range(1, 50):
        probe, cut = Probe(), Cut(-1)
        probe.crash_at = at
        async with open_gate(POLICY, plugins=[("probe", lambda probe=probe: probe)], discover=False) as gate:
            await run_once(gate, cut, "crash")
            check(probe, gate, f"crash at point {at}")
            assert len(gate.rows) == 1
            outcomes.update(str(row["outcome"]) for row in gate.rows)
        if probe.points < at:
            break
    assert outcomes["failed"] == 4  # watch, block above and below, answer: before the head, so 500
    assert outcomes["cut"] == 4  # every read of the body
    assert outcomes["ok"] == 1
