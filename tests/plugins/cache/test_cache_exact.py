"""`cache.exact`: over a real socket with counting steps, in the example, and its parts alone."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from headgate.api import (
    ClientFault,
    Exchange,
    Key,
    Money,
    Response,
    Secret,
    Served,
    UpstreamFault,
    Usage,
    hookimpl,
    step,
)
from headgate.errors import PluginFault, PolicyError, StoreError
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate.testing import open_gate
from headgate_cache import Cache
from headgate_cache.entries import Replay
from headgate_cache.keys import canonical
from headgate_cache.memory import OVERHEAD_BYTES, MemoryCache
from headgate_routing import Routing

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_cache/example.policy"
EVENTS = [b"data: one\n\n", b": ping\n\n", b"event: x\r\ndata: two\r\n\r\n", b"data: [DONE]\n\n"]


class Stream:
    """An answer in pieces; it may break off, or wait for a word to go on."""

    length = None

    def __init__(self, pieces: list[bytes], go: trio.Event | None = None, *, dies: bool = False) -> None:
        self.pieces = list(pieces)
        self.go = go
        self.dies = dies
        self.closed = False

    async def read(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.go is not None:
            await self.go.wait()
        if self.dies:
            raise UpstreamFault("upstream.protocol", "It broke off.")
        return b""

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Said:
    """What the step answers next."""

    calls: int = 0
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    stream: list[bytes] | None = None
    dies: bool = False
    go: trio.Event | None = None
    body: bytes = b"whole"
    fails: bool = False


def plugin(said: Said) -> Any:
    @step("t.ask", hinge=True, raises=("upstream.*",))
    async def ask(ctx: Exchange) -> None:
        """Answer, and count."""
        said.calls += 1
        if said.fails:
            raise UpstreamFault("upstream.unreachable", "Nobody there.")
        if said.go is not None and said.stream is None:
            await said.go.wait()
        ctx.served = Served(target="t", model="m", provider="p")
        ctx.usage = Usage(input_tokens=3, output_tokens=4, cost=Money(70))
        body: Any = said.body
        if said.stream is not None:
            body = Stream(said.stream, said.go, dies=said.dies)
        kind = b"text/event-stream" if said.stream is not None else b"text/plain"
        ctx.answer(Response(said.status, [(b"content-type", kind), *said.headers], body))

    class Plugin:
        @hookimpl
        def register_steps(self) -> list[Any]:
            return [ask]

    return Plugin


POLICY = """policy 1
route r GET, POST /r public {
    cache.exact ttl=10m by=[request.header["x-team"]] { t.ask }
    set response.header["x-cached"] = "{served.from_cache}"
}
"""


def gate(said: Said, policy: str = POLICY) -> Any:
    return open_gate(policy, plugins=[("cache", Cache), ("t", plugin(said))], discover=False)


def test_the_example_passes_its_own_tests():
    plugins = load_plugins([("cache", Cache), ("routing", Routing)], discover=False)
    program = compile_policies(read_policies(EXAMPLE, plugins.vocabulary))
    outcomes = rehearse_in_thread(program, functools.partial(opened_by_plugins, Settings(), plugins))
    assert [str(one.finding.message) for one in outcomes if one.finding] == []
    assert len(outcomes) == 4


async def test_a_whole_answer_is_given_again_for_nothing():
    said = Said(headers=((b"x-one", b"1"),))
    async with gate(said) as g:
        first, second = await g.send("GET", "/r"), await g.send("GET", "/r")
        assert (second.status, second.body, second.headers.get(b"x-one")) == (200, b"whole", b"1")
        assert [first.headers.get(b"x-cached"), second.headers.get(b"x-cached")] == [b"false", b"true"]
        rows = [await g.row(0), await g.row(1)]
        assert [row["cache"] for row in rows] == ["miss", "hit"]
        assert [(row["input_tokens"], row["cost"], row["model"]) for row in rows] == [(3, 70, "m"), (3, 0, "m")]
        assert said.calls == 1


async def test_a_stream_is_given_again_as_a_stream():
    said = Said(stream=[b"".join(EVENTS)[:7], b"".join(EVENTS)[7:]])
    async with gate(said) as g:
        first = await g.send("GET", "/r")
        await g.row(0)
        second = await g.send("GET", "/r")
        assert first.body == second.body == b"".join(EVENTS)
        assert second.headers.get(b"content-length") is None
        assert (said.calls, (await g.row(1))["cost"]) == (1, 0)


async def test_a_replay_has_the_same_blocks():
    replay = Replay(b"".join(EVENTS) + b"data: cut")
    assert [await replay.read() for _ in range(6)] == [*EVENTS, b"data: cut", b""]


@pytest.mark.parametrize(
    "said",
    [
        Said(status=500), Said(status=404), Said(stream=EVENTS, dies=True), Said(body=b"x" * (2 << 20)),
        Said(stream=[b"x" * (1 << 20), b"x"]), Said(headers=((b"set-cookie", b"a=1"),)),
        Said(headers=((b"cache-control", b"max-age=3, no-store"),)), Said(fails=True),
    ],
)  # fmt: skip
async def test_what_is_no_good_whole_answer_is_not_kept(said: Said):
    async with gate(said) as g:
        for number in range(2):
            try:
                await g.send("GET", "/r")
            except UpstreamFault:
                assert said.dies
            await g.row(number)
        assert said.calls == 2


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/r", {}),
        ("GET", "/r?a=1", {}),
        ("GET", "/r", {"x-team": "b"}),
        ("GET", "/r", {"accept-encoding": "br"}),
    ],
)
async def test_who_differs_in_anything_gets_an_answer_of_their_own(method, path, headers):
    said = Said()
    async with gate(said) as g:
        await g.send("GET", "/r")
        await g.send(method, path, headers=headers)
        assert said.calls == 2


async def test_of_equal_requests_at_one_time_one_asks(nursery):
    said = Said(go=trio.Event())
    async with gate(said) as g:
        answers: list[bytes] = []

        async def ask() -> None:
            answers.append((await g.send("GET", "/r")).body)

        for _ in range(5):
            nursery.start_soon(ask)
        while len(g.server.engine.node.state["cache"].flights) < 1:
            await trio.sleep(0.001)
        await trio.sleep(0.05)
        said.go.set()
        while len(answers) < 5:
            await trio.sleep(0.001)
        assert answers == [b"whole"] * 5
        assert said.calls == 1
        assert sorted([(await g.row(number))["cache"] for number in range(5)]) == ["miss", *["shared"] * 4]


async def test_who_waited_for_nothing_asks_itself(nursery):
    said = Said(stream=[b"data: x\n\n"], go=trio.Event(), dies=True)
    async with gate(said) as g:

        async def lead() -> None:
            with pytest.raises(UpstreamFault):
                await g.send("GET", "/r")

        nursery.start_soon(lead)
        while said.calls < 1:
            await trio.sleep(0.001)
        done = trio.Event()

        async def follow() -> None:
            assert (await g.send("GET", "/r")).body == b"whole"
            done.set()

        nursery.start_soon(follow)
        await trio.sleep(0.05)
        assert said.calls == 1
        said.stream = None
        go, said.go = said.go, None
        go.set()
        await done.wait()
        assert said.calls == 2


async def test_a_store_that_fails_is_a_cache_that_has_nothing():
    class Broken:
        async def get(self, key: bytes) -> bytes | None:
            raise StoreError("gone")

        async def put(self, key: bytes, value: bytes, ttl_s: float) -> None:
            raise StoreError("gone")

    said = Said()
    async with gate(said) as g:
        g.node.state["cache"].store = Broken()
        assert [(await g.send("GET", "/r")).status for _ in range(2)] == [200, 200]
        assert said.calls == 2


@pytest.mark.parametrize(("by", "code"), [("", "E005"), ("by=[]", "E114")])
async def test_a_cache_that_knows_nobody_is_refused(by: str, code: str):
    with pytest.raises(PolicyError) as caught:
        async with gate(Said(), POLICY.replace('by=[request.header["x-team"]]', by)):
            pass
    assert [finding.code for finding in caught.value.diagnostics] == [code]


def test_a_key_takes_records_by_their_public_fields_and_secrets_not_at_all():
    @dataclass
    class A:
        x: int
        y: dict[str, int]

    class B(msgspec.Struct):
        x: int

    assert canonical(A(1, {"b": 1, "a": 2})) == canonical(A(1, {"a": 2, "b": 1})) != canonical(A(2, {}))
    assert canonical(B(1)) != canonical(B(2))
    assert canonical([Money(1), Key(id="k").models]) == b'[1,["*"]]'
    with pytest.raises(PluginFault):
        canonical([Secret("K", "v")])
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ClientFault):
        canonical(deep)


class At:
    """A clock that stands."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


async def test_memory_is_bounded_in_bytes_and_forgets_what_was_not_asked_for():
    clock = At()
    cache = MemoryCache(clock, 3 * (OVERHEAD_BYTES + 10))
    for name in (b"a", b"b", b"c"):
        await cache.put(name, b"x" * 10, 5.0)
    assert await cache.get(b"a") is not None
    await cache.put(b"d", b"x" * 10, 5.0)
    assert [await cache.get(name) is not None for name in (b"a", b"b", b"c", b"d")] == [True, False, True, True]
    await cache.put(b"e", b"x" * 10_000, 5.0)
    assert await cache.get(b"e") is None
    assert repr(cache) == f"<MemoryCache 3 entries [{cache.size} of {cache.limit} bytes]>"
    clock.now = 5.0
    assert [await cache.get(name) for name in (b"a", b"c", b"d")] == [None] * 3
    assert cache.size == 0
