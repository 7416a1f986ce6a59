"""When a worker sheds, how much, and when it stops: the decisions without a loop, and a lane whose loop is late."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import trio
from overloading import overload, relax

from headgate.message import Headers, Response
from headgate.wire.overload import Shed, Valve

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


class Loop:
    """Time, and requests that begin in it. The valve opened with it looks when `pass_` is called."""

    def __init__(self, lag_s: float | None = 0.2) -> None:
        self.now = trio.current_time()
        self.begun = 0
        self.told: list[Shed] = []
        self.ids = iter(f"id-{number}" for number in range(1000))
        self.valve = Valve(lag_s, lambda: self.begun, lambda: next(self.ids), self.told.append)

    def pass_(self, seconds: float, late: float, asked: int) -> int:
        """How many of those that asked were let in."""
        let = asked
        if self.valve.shut:
            let = sum(self.valve.admits() for _ in range(asked))
        self.begun += asked
        self.now += seconds
        self.valve.look(self.now, late)
        return let


async def late(loop: Loop) -> Loop:
    loop.pass_(0.5, 0.4, 500)
    loop.pass_(0.5, 0.4, 500)
    return loop


async def test_one_late_look_is_a_slip() -> None:
    loop = Loop()
    loop.pass_(0.5, 0.4, 500)
    loop.pass_(0.1, 0.0, 100)
    loop.pass_(0.5, 0.4, 500)
    assert not loop.valve.shut


async def test_a_loop_that_is_late_twice_in_a_row_is_overloaded() -> None:
    loop = await late(Loop())
    assert loop.valve.shut
    assert repr(loop.valve) == "<Valve shut, 800 requests a second [0 shed]>"


async def test_a_loop_that_is_late_with_few_requests_is_late_for_another_reason() -> None:
    loop = Loop()
    for _ in range(10):
        loop.pass_(0.5, 0.4, 5)
    assert not loop.valve.shut


async def test_without_a_limit_nothing_is_ever_shed() -> None:
    assert not (await late(Loop(None))).valve.shut


async def test_what_is_beyond_the_rate_is_shed() -> None:
    loop = await late(Loop())
    loop.pass_(0.02, 0.0, 0)
    let = loop.pass_(0.02, 0.0, 100)
    assert 10 <= let <= 20, "of 800 a second, what is due in 20 ms"
    assert loop.valve.shed == 100 - let


async def test_the_rate_goes_down_while_the_loop_is_late_and_up_while_it_is_not() -> None:
    loop = await late(Loop())
    for _ in range(3):
        loop.pass_(0.1, 0.15, 200)
    assert 500 < loop.valve.rate < 600
    for _ in range(3):
        loop.pass_(0.1, 0.08, 200)
    assert 500 < loop.valve.rate < 600, "a little late is no reason"
    for _ in range(20):
        loop.pass_(0.02, 0.0, 40)
    assert loop.valve.rate > 800


async def test_a_share_is_taken_however_late_the_loop_is() -> None:
    loop = await late(Loop())
    for _ in range(100):
        loop.pass_(0.3, 0.3, 2000)
    assert loop.valve.rate == pytest.approx(300)


async def test_it_is_over_when_nothing_had_to_be_shed_for_half_a_second() -> None:
    loop = await late(Loop())
    for _ in range(50):
        loop.pass_(0.02, 0.0, 100)
    assert loop.valve.shut
    began = loop.now
    while loop.valve.shut:
        assert loop.pass_(0.02, 0.0, 2) == 2, "what is below the rate is taken at once"
    assert loop.now - began < 0.7


async def test_what_was_shed_is_told_once_a_second_under_the_id_that_the_clients_were_told() -> None:
    loop = await late(Loop())
    first = loop.valve.answer(Headers())
    for _ in range(60):
        loop.pass_(0.02, 0.0, 100)
    (told,) = loop.told
    assert first.headers.get(b"x-request-id") == told.id.encode()
    assert told.seconds == pytest.approx(1.0, abs=0.05)
    assert told.count > 3000
    assert loop.valve.answer(Headers()).headers.get(b"x-request-id") != told.id.encode()


async def test_clients_are_asked_to_come_back_at_different_times() -> None:
    valve = (await late(Loop())).valve
    answers = [valve.answer(Headers()) for _ in range(6)]
    assert sorted(one.headers.get(b"retry-after") or b"" for one in answers) == [b"1", b"1", b"2", b"2", b"3", b"3"]
    assert {one.status for one in answers} == {503}


async def test_a_grpc_client_is_told_that_the_node_is_unavailable() -> None:
    valve = (await late(Loop())).valve
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
