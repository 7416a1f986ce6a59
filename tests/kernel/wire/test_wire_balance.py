"""Connections are shared out over workers: two lanes that accept from one socket stand for two of these."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from headgate.message import Response
from headgate.wire import Connections, open_listeners, serve_lane
from headgate.wire.balance import Balance, shared_counts


async def hello(request, client, reply):
    await reply.send(Response(200))


class Crowd:
    """Clients that connect, and say nothing."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.sockets: list[socket.socket] = []

    def come(self, count: int) -> None:
        self.sockets += [socket.create_connection(self._address) for _ in range(count)]


@asynccontextmanager
async def lanes(counts: memoryview, number: int) -> AsyncIterator[tuple[list[Connections], Crowd]]:
    """So many lanes on one socket."""
    [listener] = open_listeners("127.0.0.1", 0)
    crowd = Crowd(listener.getsockname())
    async with trio.open_nursery() as nursery:
        started: list[Connections] = []
        for place in range(number):
            balance = Balance(counts, place)
            started.append(
                await nursery.start(
                    lambda task_status, balance=balance: serve_lane(
                        [listener.dup()], hello, balance=balance, task_status=task_status
                    )
                )
            )
        listener.close()
        yield started, crowd
        nursery.cancel_scope.cancel()
    for client in crowd.sockets:
        client.close()


async def came(started: list[Connections], count: int) -> list[int]:
    """How many each holds, once that many are there."""
    with trio.fail_after(20):
        while sum(len(one.live) for one in started) < count:
            await trio.sleep(0.001)
    return [len(one.live) for one in started]


async def test_a_burst_is_shared() -> None:
    async with lanes(shared_counts(2), 2) as (started, crowd):
        crowd.come(64)
        some, others = await came(started, 64)
        assert abs(some - others) <= 8


async def test_who_has_fewer_gets_those_that_come_later() -> None:
    async with lanes(shared_counts(2), 2) as (started, crowd):
        crowd.come(40)
        await came(started, 40)
        started[0].close_idle()
        for one in list(started[0].live):
            one.scope.cancel()
        with trio.fail_after(20):
            while started[0].live:
                await trio.sleep(0.001)
        before = len(started[1].live)
        for more in range(1, before - 4):
            crowd.come(1)
            assert await came(started, before + more) == [more, before]


async def test_one_that_hangs_costs_nobody_a_connection() -> None:
    counts = shared_counts(2)
    Balance(counts, 1).tell(0)
    async with lanes(counts, 1) as (started, crowd):
        crowd.come(50)
        assert await came(started, 50) == [50]


async def test_who_accepts_no_more_is_waited_for_by_nobody(autojump_clock: trio.testing.MockClock) -> None:
    counts = shared_counts(3)
    first, second = Balance(counts, 0), Balance(counts, 1)
    first.tell(5)
    second.tell(1)
    assert first.ahead
    assert not second.ahead
    began = trio.current_time()
    assert await first.after_you()
    assert trio.current_time() - began == 0.002
    second.leave()
    second.tell(0)  # of one of those that it still finishes
    assert repr(first) == "<Balance 5, -, -, here 5>"
    assert not await first.after_you()


def test_who_is_full_leaves_it_to_who_is_not() -> None:
    counts = shared_counts(2)
    full, other = Balance(counts, 0), Balance(counts, 1)
    full.most = 40
    other.tell(38)
    full.tell(39)
    assert not full.ahead
    full.tell(40)
    assert full.ahead
    other.tell(40)
    assert not full.ahead


def test_small_differences_are_none() -> None:
    counts = shared_counts(2)
    first, second = Balance(counts, 0), Balance(counts, 1)
    found = []
    for fewest in (0, 7, 16, 800):
        second.tell(fewest)
        most = next(count for count in range(fewest, 2000) if first.tell(count) or first.ahead)
        found.append(most - fewest)
    assert found == [2, 2, 3, 101]
