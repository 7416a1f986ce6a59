"""Limits, keys and budgets are exact over the workers of a live node."""

from __future__ import annotations

import http.client
import json
import os
import random
import select
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trio
from live_crew import json_of, status, until, verb, workers
from live_node import LiveNode, live_node

from headgate.testing.providers import OpenAI, Pieces, Says

POLICY = """policy 1

upstream held {{
    url = "{url}"
}}

route few GET /few public {{
    limit.rate 20/h
    respond 204
}}

route many GET /many public {{
    limit.rate 600/h
    respond 204
}}

route places GET /places public {{
    limit.concurrent 4
    forward held
}}

route keyed GET /keyed {{
    auth.key as key
    respond 204
}}
"""
INPUT, OUTPUT = 2_000, 8_000  # 10⁻⁹ dollars a token: $2 and $8 a million
DEAREST = 120 * OUTPUT + 80 * INPUT  # what no call of the payers can pass
PAYERS = 8
PAID = """policy 1
model gpt {{
    provider = openai
    name = "m-1"
    url = "{url}"
    key = secret("PAID_KEY")
    price = {{input: $2, output: $8}}
}}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    budget $0.05 per=total {{
        ai.chat gpt timeout=5s
    }}
}}
"""


class Held:
    """An upstream that the test itself plays."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listening.settimeout(20)
        self.taken: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def take(self, count: int) -> list[socket.socket]:
        fresh = [self.listening.accept()[0] for _ in range(count)]
        self.taken += fresh
        return fresh


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    held = Held()
    yield held
    for one in (held.listening, *held.taken):
        one.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, held: Held) -> Iterator[LiveNode]:
    folder = tmp_path_factory.mktemp("exact")
    (folder / "a.policy").write_text(POLICY.format(url=held.url), encoding="utf-8")
    with live_node(
        folder / "a.policy", folder, "--workers", "3", "--no-access-log", "--no-reload", env={"HEADGATE_DRAIN_S": "1"}
    ) as node:
        until(lambda: len(workers(node)) == 3)
        yield node


def connect(node: LiveNode) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(node.url.removeprefix("http://"), timeout=30)


def ask(connection: http.client.HTTPConnection, path: str, key: str = "") -> int:
    connection.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def hammer(node: LiveNode, path: str, connections: int, each: int) -> Counter[int]:
    """So many connections at once, each with so many requests; the statuses."""

    def one(_: int) -> list[int]:
        connection = connect(node)
        found = [ask(connection, path) for _ in range(each)]
        connection.close()
        return found

    with ThreadPoolExecutor(connections) as pool:
        return Counter(code for found in pool.map(one, range(connections)) for code in found)


def test_a_small_limit_lets_in_exactly_its_number(node: LiveNode) -> None:
    before = {worker["pid"]: worker["handled"] for worker in workers(node)}
    assert hammer(node, "/few", 16, 6) == {204: 20, 429: 76}
    until(lambda: sum(worker["handled"] for worker in workers(node)) >= sum(before.values()) + 96)
    used = [worker for worker in workers(node) if worker["handled"] > before[worker["pid"]]]
    assert len(used) >= 2, "several workers had a part in it"


def test_a_large_limit_is_never_passed_and_refuses_at_most_one_percent_too_early(node: LiveNode) -> None:
    counts = hammer(node, "/many", 16, 60)
    assert sum(counts.values()) == 960
    assert 594 <= counts[204] <= 600, counts


def test_so_many_at_a_time_over_all_workers_and_a_dead_worker_leaves_its_places(node: LiveNode, held: Held) -> None:
    clients = [connect(node) for _ in range(16)]
    for client in clients:
        client.request("GET", "/places")
    upstreams = held.take(4)
    until(lambda: len(select.select([client.sock for client in clients], [], [], 0)[0]) == 12)
    for upstream in upstreams:
        upstream.recv(1000)
        upstream.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    codes = Counter()
    for client in clients:
        answer = client.getresponse()
        answer.read()
        codes[answer.status] += 1
        client.close()
    assert codes == {200: 4, 429: 12}
    busy = [connect(node) for _ in range(4)]
    for client in busy:
        client.request("GET", "/places")
    until(lambda: status(node)["active"] == 4)
    assert hammer(node, "/places", 6, 1) == {429: 6}
    for worker in workers(node):
        os.kill(worker["pid"], signal.SIGKILL)
    until(lambda: len(workers(node)) == 3 and status(node)["active"] == 0)
    for client in busy:
        client.close()
    clients = [connect(node) for _ in range(4)]
    for client in clients:
        client.request("GET", "/places")
    until(lambda: status(node)["active"] == 4)
    for one in clients:
        one.close()
    until(lambda: status(node)["active"] == 0)


def test_a_key_is_known_and_unknown_to_every_worker_within_a_second(node: LiveNode) -> None:
    connections = [connect(node) for _ in range(9)]
    made = json_of(verb(node, "keys", "create", "--team", "a", "--name", "b", "--json"))
    secret = made["key"]
    until(lambda: {ask(one, "/keyed", secret) for one in connections} == {204}, timeout_s=1.0)
    assert verb(node, "keys", "revoke", made["id"]).returncode == 0
    until(lambda: {ask(one, "/keyed", secret) for one in connections} == {401}, timeout_s=1.0)
    for one in connections:
        one.close()


def pay(connection: http.client.HTTPConnection, tokens: int) -> int:
    body = {"model": "m", "max_tokens": tokens, "messages": [{"role": "user", "content": "Hi. " * 9}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def spent(node: LiveNode) -> bool:
    """Nobody gets anything any more, whichever worker is asked."""
    connections = [connect(node) for _ in range(9)]
    codes = {pay(one, 120) for one in connections}
    for one in connections:
        one.close()
    return codes == {402}


class Payers:
    """Clients that ask for what costs money until they are stopped."""

    def __init__(self, node: LiveNode) -> None:
        self.node = node
        self.stop = threading.Event()
        self.codes: Counter[int] = Counter()

    def run(self, seed: int) -> None:
        chance, connection = random.Random(seed), connect(self.node)
        while not self.stop.is_set():
            try:
                code = pay(connection, chance.randint(60, 120))
            except (OSError, http.client.HTTPException):
                connection.close()  # its worker was killed
                continue
            self.codes[code] += 1
        connection.close()


async def test_a_budget_is_never_passed_by_workers_together_nor_by_their_deaths(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        sim = (await OpenAI().start(nursery)).says(Says("Every word of this is paid for. " * 4, pieces=Pieces(text=20)))
        (tmp_path / "a.policy").write_text(PAID.format(url=sim.base_url), encoding="utf-8")
        await trio.to_thread.run_sync(spend, tmp_path, lambda: sim.billed.input * INPUT + sim.billed.output * OUTPUT)
        nursery.cancel_scope.cancel()


def spend(tmp: Path, cost: object) -> None:
    with live_node(tmp / "a.policy", tmp, "--workers", "3", "--no-access-log", env={"PAID_KEY": "sk-x"}) as node:
        until(lambda: len(workers(node)) == 3)
        payers = Payers(node)
        with ThreadPoolExecutor(PAYERS) as pool:
            running = [pool.submit(payers.run, seed) for seed in range(PAYERS)]
            try:
                until(lambda: payers.codes[200] > 20)
                os.kill(workers(node)[0]["pid"], signal.SIGKILL)
                until(lambda: len(workers(node)) == 3)
                until(lambda: payers.codes.total() - payers.codes[200] > 50)
            finally:
                payers.stop.set()
            for one in running:
                one.result()
        until(lambda: spent(node))
        (account,) = [json.loads(line) for line in verb(node, "budgets", "list", "--json").stdout.splitlines()]
        served = cost()  # type: ignore[operator]
        booked = account["settled"] + account["leased"] + account["presumed"]
        assert served <= booked <= account["limit"] == 50_000_000, (served, account)
        # The calls that the dead worker had open may have been billed, so they stay booked. Each of the three that live may
        # hold what is too little for one more call, and so may the account.
        kept = (PAYERS + 3 + 1) * DEAREST
        assert served >= account["limit"] - kept, ("what may be spent can be spent, by whichever worker", account)
