"""A real node under load through `ai.chat` inside a `budget`, killed again and again; its provider keeps its own bill.

What the account says is spent, held or presumed is at least what the provider served, and never above the limit.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import trio
from live_node import LiveNode, live_node

from headgate.api import Node, Outgoing, Statement, Stores, SystemClock, Target, Timeouts, UpstreamFault, read_all
from headgate.testing.providers import Manners, OpenAI, Pieces, Says
from headgate.upstream import Egress, Http1Transport
from headgate_sqlite.settings import SqliteSettings
from headgate_sqlite.stores import open_stores

INPUT, OUTPUT = 2_000, 8_000  # 10⁻⁹ dollars a token: $2 and $8 a million
POLICY = """policy 1
model gpt {{
    provider = openai
    name = "m-1"
    url = "{url}"
    key = secret("KILLED_KEY")
    price = {{input: $2, output: $8}}
}}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    budget {limit} per=total by=client.ip {{
        ai.chat gpt timeout=5s
    }}
}}
"""
WORDS = Says(
    "Every word of this is paid for, one way or the other. " * 4, pieces=Pieces(text=20), manners=Manners(pause_s=0.004)
)
CLIENTS = 8


class Load:
    """Clients that ask until they are stopped; what they were answered, by status, and how often nothing came."""

    def __init__(self, seed: int) -> None:
        self.statuses: dict[int, int] = {}
        self.broken = 0
        self._chance = random.Random(seed)

    async def run(self, url: str) -> None:
        client = Http1Transport(Egress())
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(CLIENTS):
                    nursery.start_soon(self._ask_on, client, Target.parse(url))
        finally:
            await client.aclose()

    async def _ask_on(self, client: Http1Transport, target: Target) -> None:
        while True:
            try:
                await self._ask(client, target)
            except UpstreamFault:
                self.broken += 1
                return

    async def _ask(self, client: Http1Transport, target: Target) -> None:
        text = "Say something. " * self._chance.randint(1, 9)
        body = {
            "model": "m", "max_tokens": self._chance.randint(60, 120), "stream": self._chance.random() < 0.6,
            "messages": [{"role": "user", "content": text}],
        }  # fmt: skip
        lines = [(b"content-type", b"application/json")]
        outgoing = Outgoing("POST", b"/v1/chat/completions", lines, json.dumps(body).encode(), idempotent=False)
        response = await client.send(target, outgoing, Timeouts())
        if not isinstance(response.body, bytes):
            await read_all(response.body, 1 << 20)
        self.statuses[response.status] = self.statuses.get(response.status, 0) + 1


async def account(data: Path) -> Statement:
    """What the only account says."""
    node = Node(SystemClock(), None, None, Stores(), data=data, worker="reader")  # type: ignore[arg-type]
    async with open_stores(SqliteSettings(), node.stores, node):
        assert node.stores.ledger is not None
        (said,) = await node.stores.ledger.statements()
        return said


async def killed(node: LiveNode, load: Load, after_s: float) -> None:
    """Put a node under load, and kill it in the middle."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(load.run, node.url)
        await trio.sleep(after_s)
        await trio.to_thread.run_sync(lambda: (node.process.kill(), node.process.wait(10)))
        # All of them find out; none waits for an answer that cannot come.
        with trio.move_on_after(5):
            while load.broken % CLIENTS:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()


def cost(sim: OpenAI) -> int:
    return sim.billed.input * INPUT + sim.billed.output * OUTPUT


async def rounds(tmp: Path, *, kills: int, limit: str, seed: int) -> Load:
    """Kill a node so many times; after each, and at the end, its account has all that was served."""
    chance, load = random.Random(seed), Load(seed)
    policies, data = tmp / "policies", tmp / "data"
    policies.mkdir()
    async with trio.open_nursery() as nursery:
        sim = (await OpenAI().start(nursery)).says(WORDS)
        (policies / "a.policy").write_text(POLICY.format(url=sim.base_url, limit=limit))
        for _ in range(kills):
            opened = live_node(policies, tmp, "--workers", "0", env={"KILLED_KEY": "sk-the-providers-key"})
            node = await trio.to_thread.run_sync(opened.__enter__)
            await killed(node, load, chance.uniform(0.3, 0.9))
            await trio.to_thread.run_sync(opened.__exit__, None, None, None)
            with trio.fail_after(5):
                while len(sim.bills) < len(sim.received):
                    await trio.sleep(0.01)
            said = await account(data)
            booked = said.settled + said.leased + said.presumed
            assert cost(sim) <= booked, said
            assert booked <= said.account.limit, said
            assert said.overrun == 0, said
        nursery.cancel_scope.cancel()
    assert load.broken, "no kill met a call"
    assert load.statuses.get(200), "nothing was served"
    return load


async def test_a_killed_node_has_booked_what_was_served_and_no_more_than_its_limit(tmp_path: Path) -> None:
    await rounds(tmp_path, kills=2, limit="$5", seed=1)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "seed"), [("$5", 2), ("$0.10", 3), ("$0.03", 4)])
async def test_many_kills_book_what_was_served_and_no_more_than_the_limit(
    tmp_path: Path, limit: str, seed: int
) -> None:
    load = await rounds(tmp_path, kills=12, limit=limit, seed=seed)
    assert (402 in load.statuses) == (limit != "$5")
