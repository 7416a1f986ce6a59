"""Bounds of time, lines of waiting, and calls that are given up."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import UpstreamFault
from headgate.message import read_all
from headgate.testing.upstreams import ScriptedUpstream, Wire, answer, hangs, reply, says
from headgate.upstream import Dialer, Egress, Http1Transport, quiet

GET = Outgoing("GET", b"/x", [])


def state(transport: Http1Transport) -> str:
    (pool,) = transport.pools()
    return repr(pool).partition(" [")[2].rstrip("]>")


async def test_no_head_in_time_is_a_timeout(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    began = trio.current_time()
    with pytest.raises(UpstreamFault, match=f"^{upstream.url} did not answer within 3 s.$") as caught:
        await transport.send(upstream.target, GET, Timeouts(head_s=3))
    assert (caught.value.kind, caught.value.status_hint, caught.value.sent) == ("upstream.timeout", 504, True)
    assert caught.value.record == {"target": upstream.url, "phase": "head"}
    assert trio.current_time() - began == pytest.approx(3)
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_a_head_that_trickles_does_not_buy_time(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.trickle(answer(200, b"hello"), pause_s=1)

    upstream = await ScriptedUpstream(script).start(nursery)
    with pytest.raises(UpstreamFault, match="did not answer within 3 s"):
        await transport.send(upstream.target, GET, Timeouts(head_s=3))


async def test_no_connection_in_time_is_a_timeout_and_nothing_was_sent(jumping: MockClock) -> None:
    async def resolve(host: str, port: int) -> list[object]:
        await trio.sleep_forever()
        return []

    transport = Http1Transport(Egress(), dialer=Dialer(Egress(), resolve=resolve))  # type: ignore[arg-type]
    with pytest.raises(UpstreamFault, match="could not be connected to within 2 s") as caught:
        await transport.send(Target.parse("http://orders.test"), GET, Timeouts(connect_s=2))
    assert (caught.value.kind, caught.value.sent) == ("upstream.timeout", False)
    assert caught.value.record == {"target": "http://orders.test", "phase": "connect"}
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_silence_in_the_body_is_a_timeout_and_slowness_is_not(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        await wire.trickle(b"x" * 20, pause_s=4)
        await trio.sleep_forever()

    upstream = await ScriptedUpstream(script).start(nursery)
    response = await transport.send(upstream.target, GET, Timeouts(idle_s=5))
    assert not isinstance(response.body, bytes)
    for _ in range(20):
        assert await response.body.read() == b"x"
    with pytest.raises(UpstreamFault, match="stopped sending its answer within 5 s") as caught:
        await response.body.read()
    assert caught.value.record["phase"] == "body"
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_the_bound_on_the_whole_call_ends_a_body_that_never_pauses(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        await wire.trickle(b"x" * 100, pause_s=1)

    upstream = await ScriptedUpstream(script).start(nursery)
    response = await transport.send(upstream.target, GET, Timeouts(idle_s=5, total_s=10))
    assert not isinstance(response.body, bytes)
    with pytest.raises(UpstreamFault, match="in the time for the whole call"):
        await read_all(response.body, 1000)


async def test_the_bound_on_the_whole_call_holds_for_the_head(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    with pytest.raises(UpstreamFault, match="did not answer in the time for the whole call"):
        await transport.send(upstream.target, GET, Timeouts(head_s=60, total_s=1))


class SlowClient:
    """A request body that takes its time."""

    def __init__(self, pieces: int, pause_s: float) -> None:
        self.length: int | None = pieces
        self.left = pieces
        self.pause_s = pause_s

    async def read(self) -> bytes:
        await trio.sleep(self.pause_s)
        self.left -= 1
        return b"x" if self.left >= 0 else b""

    async def aclose(self) -> None: ...


async def test_a_slow_client_is_not_the_upstream_s_fault(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply(200, b"ok")).start(nursery)
    outgoing = Outgoing("POST", b"/x", [], SlowClient(10, 30))
    assert (await transport.send(upstream.target, outgoing, Timeouts(head_s=3))).body == b"ok"
    assert upstream.received[0].body == b"x" * 10


async def test_an_upstream_that_takes_no_more_of_a_body_is_a_timeout(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        await trio.sleep_forever()

    upstream = await ScriptedUpstream(script).start(nursery)
    with pytest.raises(UpstreamFault, match="did not answer within 3 s"):
        await transport.send(upstream.target, Outgoing("PUT", b"/x", [], b"x" * 50_000_000), Timeouts(head_s=3))


async def test_requests_beyond_the_limit_wait_in_line(nursery: trio.Nursery, jumping: MockClock) -> None:
    async def script(wire: Wire) -> None:
        while await wire.request():
            await trio.sleep(1)
            await wire.send(answer(200, b"ok"))

    upstream = await ScriptedUpstream(script).start(nursery)
    transport = Http1Transport(Egress(), max_connections=2)
    done: list[float] = []

    async def call() -> None:
        await transport.send(upstream.target, GET, Timeouts(connect_s=30))
        done.append(round(trio.current_time() - began))

    began = trio.current_time()
    async with trio.open_nursery() as calls:
        for _ in range(6):
            calls.start_soon(call)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert state(transport) == "2 active, 0 idle, 4 waiting"
    assert done == [1, 1, 2, 2, 3, 3]
    assert upstream.opened == 2
    await transport.aclose()


async def test_no_connection_free_in_time_is_a_timeout(nursery: trio.Nursery, jumping: MockClock) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    transport = Http1Transport(Egress(), max_connections=1)
    nursery.start_soon(transport.send, upstream.target, GET, Timeouts(head_s=None))
    await trio.testing.wait_all_tasks_blocked(0.01)
    with pytest.raises(UpstreamFault, match="had no connection free within 5 s") as caught:
        await transport.send(upstream.target, GET, Timeouts())
    assert (caught.value.kind, caught.value.sent, caught.value.record["phase"]) == ("upstream.timeout", False, "wait")
    assert state(transport) == "1 active, 0 idle, 0 waiting"


async def test_who_waits_dials_when_the_connection_ahead_is_lost(nursery: trio.Nursery, jumping: MockClock) -> None:
    upstream = await ScriptedUpstream(hangs, reply(200, b"ok")).start(nursery)
    transport = Http1Transport(Egress(), max_connections=1)

    async def first() -> None:
        with pytest.raises(UpstreamFault):
            await transport.send(upstream.target, GET, Timeouts(head_s=1))

    nursery.start_soon(first)
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert (await transport.send(upstream.target, GET, Timeouts())).body == b"ok"
    await transport.aclose()


@pytest.mark.parametrize("pause_s", [29, 31])
async def test_an_idle_connection_expires(
    pause_s: int, jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    await transport.send(upstream.target, GET, Timeouts())
    await trio.sleep(pause_s)
    await transport.send(upstream.target, GET, Timeouts())
    assert upstream.opened == (1 if pause_s < 30 else 2)


async def test_pools_of_targets_that_are_gone_are_forgotten(
    jumping: MockClock, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    for _ in range(3):
        upstream = await ScriptedUpstream(reply()).start(nursery)
        await transport.send(upstream.target, GET, Timeouts())
    assert repr(transport) == "<Http1Transport [3 pools]>"
    await trio.sleep(31)
    await transport.send(upstream.target, GET, Timeouts())
    assert repr(transport) == "<Http1Transport [1 pools]>"


async def ended(wire: Wire, events: list[str]) -> None:
    await wire.request()
    while await wire.receive():
        pass
    events.append("ended")


async def test_cancelling_before_the_head_closes_the_connection(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    events: list[str] = []
    upstream = await ScriptedUpstream(lambda wire: ended(wire, events)).start(nursery)
    for body in (b"", b"x" * 20_000_000):
        async with trio.open_nursery() as calls:
            calls.start_soon(transport.send, upstream.target, Outgoing("PUT", b"/", [], body), Timeouts())
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert state(transport) == "1 active, 0 idle, 0 waiting"
            calls.cancel_scope.cancel()
        assert state(transport) == "0 active, 0 idle, 0 waiting"
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert events == ["ended", "ended"]


async def test_cancelling_a_read_closes_the_connection(transport: Http1Transport, nursery: trio.Nursery) -> None:
    events: list[str] = []

    async def script(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        await ended(wire, events)

    upstream = await ScriptedUpstream(script).start(nursery)
    response = await transport.send(upstream.target, GET, Timeouts())
    assert not isinstance(response.body, bytes)
    with trio.move_on_after(0.01) as scope:
        await response.body.read()
    assert scope.cancelled_caught
    await trio.testing.wait_all_tasks_blocked(0.01)
    assert events == ["ended"]
    with pytest.raises(UpstreamFault, match="was cancelled"):
        await response.body.read()
    await response.aclose()
    assert state(transport) == "0 active, 0 idle, 0 waiting"


async def test_cancelling_while_waiting_leaves_the_line(nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    transport = Http1Transport(Egress(), max_connections=1)
    async with trio.open_nursery() as calls:
        calls.start_soon(transport.send, upstream.target, GET, Timeouts())
        await trio.testing.wait_all_tasks_blocked(0.01)
        never = Outgoing("GET", b"/", [])
        with trio.move_on_after(0.01):
            await transport.send(upstream.target, never, Timeouts())
        assert not never.sent
        assert state(transport) == "1 active, 0 idle, 0 waiting"
        calls.cancel_scope.cancel()


async def test_a_request_that_was_cancelled_says_whether_it_was_sent(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await ScriptedUpstream(hangs).start(nursery)
    for body in (b"", b"x" * 20_000_000):
        outgoing = Outgoing("POST", b"/", [], body)
        with trio.move_on_after(0.01):
            await transport.send(upstream.target, outgoing, Timeouts())
        assert outgoing.sent


class Count(trio.abc.Instrument):
    """Counts what a call costs the scheduler."""

    def __init__(self) -> None:
        self.steps = 0
        self.tasks = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += task.name.endswith("measured")

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self.tasks += not task.name.endswith("measured")


async def test_a_small_exchange_costs_no_task_and_one_wait(transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(says(answer(200, b"x" * 290), times=None)).start(nursery)
    await transport.send(upstream.target, GET, Timeouts())
    count = Count()

    async def measured() -> None:
        for _ in range(10):
            response = await transport.send(upstream.target, GET, Timeouts())
            assert isinstance(response.body, bytes)

    trio.lowlevel.add_instrument(count)
    async with trio.open_nursery() as calls:
        calls.start_soon(measured)
    trio.lowlevel.remove_instrument(count)
    assert (count.steps, count.tasks) == (11, 0)


class CountingSocket(socket.socket):
    """A socket that notes what is asked of it."""

    calls: list[str]

    def send(self, data: Any, *flags: int) -> int:
        self.calls.append("send")
        return super().send(data, *flags)

    def recv(self, size: int, *flags: int) -> bytes:
        self.calls.append("recv")
        return super().recv(size, *flags)

    def getsockopt(self, *asked: int) -> Any:
        if asked[:2] == (socket.IPPROTO_TCP, quiet._OPTION):
            self.calls.append("look")
        return super().getsockopt(*asked)


async def test_a_small_exchange_costs_one_send_and_one_receive(
    transport: Http1Transport, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = await ScriptedUpstream(says(answer(200, b"x" * 290), times=None)).start(nursery)
    noted: list[str] = []
    monkeypatch.setattr(CountingSocket, "calls", noted, raising=False)
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", CountingSocket)
        await transport.send(upstream.target, Outgoing("POST", b"/", [], b"data"), Timeouts())
    assert noted == ["send", "recv"]
    noted.clear()
    await transport.send(upstream.target, Outgoing("POST", b"/", [], b"data"), Timeouts())
    assert noted == [*(["look"] if quiet._OPTION is not None else []), "send", "recv"]
