"""When a worker sheds, how much, and when it stops: the decisions without a loop, and a lane whose loop is late."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import trio
from overloading import overload, relax
from trio.testing import wait_all_tasks_blocked

from headgate.message import Headers, Response
from headgate.wire.overload import Shed, Valve

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


class Loop:
    """Time, and requests that begin in it. The valve opened with it looks when `pass_` is called."""

    def __init__(self, nursery: trio.Nursery, lag_s: float | None = 0.2) -> None:
        self.nursery = nursery
        self.now = trio.current_time()
        self.begun = self.let = self.refused = 0
        self.told: list[Shed] = []
        self.ids = iter(f"id-{number}" for number in range(1000))
        self.valve = Valve(lag_s, lambda: self.begun, lambda: next(self.ids), self.told.append)

    async def pass_(self, seconds: float, late: float, asked: int) -> int:
        """How many of those that asked were let in at once."""
        before = self.let
        for _ in range(asked):
            self.nursery.start_soon(self.ask)
        await wait_all_tasks_blocked()
        let = self.let - before
        self.begun += let
        self.now += seconds
        self.valve.look(self.now, late)
        await wait_all_tasks_blocked()
        return let

    async def ask(self) -> None:
        if not self.valve.shut or await self.valve.admits():
            self.let += 1
        else:
            self.refused += 1

    async def late(self) -> Loop:
        await self.pass_(0.5, 0.4, 500)
        await self.pass_(0.5, 0.4, 500)
        return self


@pytest.fixture
def loop(nursery: trio.Nursery) -> Loop:
    return Loop(nursery)


async def test_one_late_look_is_a_slip(loop: Loop) -> None:
    await loop.pass_(0.5, 0.4, 500)
    await loop.pass_(0.1, 0.0, 100)
    await loop.pass_(0.5, 0.4, 500)
    assert not loop.valve.shut


async def test_a_loop_that_is_late_twice_in_a_row_is_overloaded(loop: Loop) -> None:
    await loop.late()
    assert loop.valve.shut
    assert repr(loop.valve) == "<Valve shut, 800 requests a second [0 shed]>"


async def test_a_loop_that_is_late_with_few_requests_is_late_for_another_reason(loop: Loop) -> None:
    for _ in range(10):
        await loop.pass_(0.5, 0.4, 5)
    assert not loop.valve.shut


async def test_without_a_limit_nothing_is_ever_shed(nursery: trio.Nursery) -> None:
    assert not (await Loop(nursery, None).late()).valve.shut


async def test_what_is_beyond_the_rate_is_shed(loop: Loop) -> None:
    await loop.late()
    await loop.pass_(0.02, 0.0, 0)
    let = await loop.pass_(0.02, 0.0, 30)
    assert 10 <= let <= 20, "of 800 a second, what is due in 20 ms"
    assert loop.valve.shed == 30 - let


async def test_few_are_told_at_once_and_who_waits_is_taken_from_the_last_and_told_from_the_first(loop: Loop) -> None:
    await loop.late()
    loop.valve.look(loop.now, 0.15)
    await loop.pass_(0.001, 0.15, 30)
    assert loop.refused == 20, "so many are told at once"
    order: list[tuple[int, bool]] = []

    async def ask(number: int) -> None:
        order.append((number, await loop.valve.admits()))

    for number in range(30):
        loop.nursery.start_soon(ask, number)
        await wait_all_tasks_blocked()
    for _ in range(50):
        await loop.pass_(0.01, 0.15, 0)
    let, told = ([number for number, which in order if which is taken] for taken in (True, False))
    assert min(let) > max(told)
    assert len(let) > 0 < len(told)
    assert len(order) == 30


async def test_however_many_wait_most_of_the_time_goes_to_those_that_are_taken(loop: Loop) -> None:
    await loop.late()
    let = loop.let
    for _ in range(100):
        await loop.pass_(0.02, 0.1, 100)  # 5,000 a second, where 1,000 can be taken
    assert loop.let - let > 1200
    assert loop.refused < 3500, "of 10,000"
    while loop.valve.shut:
        await loop.pass_(0.02, 0.0, 0)
    assert loop.let + loop.refused == 11000, "and all are told in the end"
    assert loop.valve.shed == loop.refused == sum(told.count for told in loop.told)


async def test_who_is_cancelled_does_not_wait_any_more(loop: Loop) -> None:
    await loop.late()
    await loop.pass_(0.001, 0.15, 20)
    with trio.move_on_after(0.01) as scope:
        await loop.valve.admits()
    assert scope.cancelled_caught
    shed = loop.valve.shed
    await loop.pass_(1.0, 0.15, 0)
    assert loop.valve.shed == shed


async def test_the_rate_goes_down_while_the_loop_is_late_and_up_while_it_is_not(loop: Loop) -> None:
    await loop.late()
    for _ in range(3):
        await loop.pass_(0.1, 0.15, 200)
    assert 500 < loop.valve.rate < 600
    for _ in range(3):
        await loop.pass_(0.1, 0.08, 200)
    assert 500 < loop.valve.rate < 600, "a little late is no reason"
    for _ in range(20):
        await loop.pass_(0.02, 0.0, 40)
    assert loop.valve.rate > 800


async def test_a_share_is_taken_however_late_the_loop_is(loop: Loop) -> None:
    await loop.late()
    for _ in range(30):
        await loop.pass_(0.3, 0.3, 400)
    assert loop.valve.rate == pytest.approx(300)


async def test_it_is_over_when_nothing_had_to_be_shed_for_half_a_second(loop: Loop) -> None:
    await loop.late()
    for _ in range(50):
        await loop.pass_(0.02, 0.0, 100)
    assert loop.valve.shut
    began = loop.now
    while loop.valve.shut:
        assert await loop.pass_(0.02, 0.0, 2) == 2, "what is below the rate is taken at once"
    assert loop.now - began < 1.5, "with thousands that still wait for a word"


@pytest.mark.parametrize("idle_looks", [0, 100_000])
async def test_who_knows_nothing_of_what_it_can_take_takes_some_and_comes_back(loop: Loop, idle_looks: int) -> None:
    if idle_looks:
        await loop.pass_(0.5, 0.0, 500)
        await loop.pass_(0.5, 0.0, 500)
    for _ in range(idle_looks):
        loop.now += 0.1
        loop.valve.look(loop.now, 0.0)
    await loop.pass_(0.5, 0.4, 0)
    await loop.pass_(0.5, 0.4, 30)
    assert loop.valve.shut
    await loop.pass_(0.02, 0.0, 0)
    began = loop.now
    while loop.valve.shut:
        assert await loop.pass_(0.02, 0.0, 1) == 1
    assert loop.now - began < 1.0


async def test_what_was_shed_is_told_once_a_second_under_the_id_that_the_clients_were_told(loop: Loop) -> None:
    await loop.late()
    first = loop.valve.answer(Headers())
    for _ in range(60):
        await loop.pass_(0.02, 0.0, 100)
    (told,) = loop.told
    assert first.headers.get(b"x-request-id") == told.id.encode()
    assert told.seconds == pytest.approx(1.0, abs=0.05)
    assert 250 < told.count <= loop.valve.shed
    assert loop.valve.answer(Headers()).headers.get(b"x-request-id") != told.id.encode()


async def test_clients_are_asked_to_come_back_at_different_times(loop: Loop) -> None:
    valve = (await loop.late()).valve
    answers = [valve.answer(Headers()) for _ in range(6)]
    assert sorted(one.headers.get(b"retry-after") or b"" for one in answers) == [b"1", b"1", b"2", b"2", b"3", b"3"]
    assert {one.status for one in answers} == {503}


async def test_a_grpc_client_is_told_that_the_node_is_unavailable(loop: Loop) -> None:
    valve = (await loop.late()).valve
    answer = valve.answer(Headers([(b"content-type", b"application/grpc+proto")]))
    assert (answer.status, answer.headers.get(b"grpc-status")) == (200, b"14")


# --- a lane -----------------------------------------------------------------------------------------------------------


async def hello(request: Any, client: Any, reply: Any) -> None:
    await reply.send(Response(200, [], b"hello"))


async def test_a_request_that_is_shed_is_answered_503_and_its_connection_kept(lane: Callable[..., Any]) -> None:
    async with lane(hello) as node:
        talk = await node.connect()
        await talk.say(GET)
        assert (await talk.answer()).status == 200
        overload(node.connections)
        for data in (GET, POST, GET):
            await talk.say(data)
            answer = await talk.answer()
            assert answer.status == 503, answer
            assert answer.headers[b"retry-after"] in (b"1", b"2", b"3")
            assert b"connection" not in answer.headers
            assert answer.json()["status"] == 503
        await talk.say(GET.replace(b"GET", b"HEAD"))
        assert (await talk.answer(head_only=True)).status == 503
        node.connections.valve.shut = False
        await talk.say(GET)
        assert (await talk.answer()).body == b"hello"
        await talk.stream.aclose()


async def test_what_has_begun_goes_on(lane: Callable[..., Any]) -> None:
    begun, go = trio.Event(), trio.Event()

    async def slowly(request: Any, client: Any, reply: Any) -> None:
        await reply.head(200, [], None)
        await reply.write(b"one")
        begun.set()
        await go.wait()
        await reply.write(b"two")
        await reply.end()

    async with lane(slowly) as node:
        talk = await node.connect()
        await talk.say(GET)
        await begun.wait()
        overload(node.connections)
        go.set()
        assert (await talk.answer()).body == b"onetwo"
        await talk.stream.aclose()


async def test_a_new_connection_waits_until_its_request_could_be_taken(lane: Callable[..., Any]) -> None:
    async with lane(hello) as node:
        overload(node.connections)
        talk = await node.connect()
        await talk.say(GET)
        with trio.move_on_after(0.1):
            await talk.answer()
            raise AssertionError("it was served")
        assert not node.connections.live
        relax(node.connections)
        with trio.fail_after(10):
            assert (await talk.answer()).status == 200
        await talk.stream.aclose()


async def test_a_loop_that_cannot_keep_up_sheds_and_answers_all_when_it_can_again(lane: Callable[..., Any]) -> None:
    costs = 0.002
    statuses: list[int] = []

    async def costly(request: Any, client: Any, reply: Any) -> None:
        time.sleep(costs)  # noqa: ASYNC251 - that is what is tested
        await reply.send(Response(200, [], b"hello"))

    async def ask(node: Any, stop: trio.Event) -> None:
        talk = await node.connect()
        while not stop.is_set():
            await talk.say(GET)
            statuses.append((await talk.answer()).status)
        await talk.stream.aclose()

    async with lane(costly, lag_s=0.03) as node, trio.open_nursery() as nursery:
        stop = trio.Event()
        for _ in range(60):
            nursery.start_soon(ask, node, stop)
        with trio.fail_after(30):
            while statuses.count(503) < 100:
                await trio.sleep(0.05)
        stop.set()
        with trio.fail_after(10):
            while node.connections.valve.shut:
                await trio.sleep(0.05)
    assert statuses.count(200) > 50
    assert set(statuses) == {200, 503}
