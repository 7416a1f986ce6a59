"""A node with all providers behind it, in a thread of its own, so that the blocking SDKs can be called from tests.

The routes of one provider stand under its name: `/anthropic/v1/chat/completions` asks Anthropic for a client of OpenAI's.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import trio

from headgate.testing import open_gate
from headgate.testing.gate import Gate
from headgate.testing.providers import Simulator
from matrix.clients import CLIENTS
from matrix.clients.base import Client
from matrix.upstreams import UPSTREAMS

WAIT_S: Final = 10.0
CLIENT_KEY: Final = "hg_the-key-of-the-client-0123456789"


class House:
    """A serving node, the simulators by name, and clients by name."""

    def __init__(self, policy: Callable[[Mapping[str, Simulator]], str]) -> None:
        self.sims: dict[str, Simulator] = {}
        self._policy = policy
        self._clients: dict[tuple[str, str], Client] = {}
        self._ready: queue.Queue[BaseException | Gate] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            trio.run(self._serve)
        except BaseException as error:
            self._ready.put(error)

    async def _serve(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as nursery:
            self._stop = nursery.cancel_scope
            for name, upstream in UPSTREAMS.items():
                self.sims[name] = await upstream.simulator().start(nursery)
            async with open_gate(self._policy(self.sims)) as gate:
                self.key = await gate.key()
                self._ready.put(gate)
                await trio.sleep_forever()

    def start(self) -> None:
        self._thread.start()
        gate = self._ready.get(timeout=WAIT_S)
        if isinstance(gate, BaseException):
            raise gate
        self.gate = gate

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._token.run_sync_soon(self._stop.cancel)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def client(self, client: str, path: str) -> Client:
        """A client whose base is this path; it is kept."""
        if (client, path) not in self._clients:
            self._clients[client, path] = CLIENTS[client](self.gate.url + path, self.key)
        return self._clients[client, path]

    def wait(self, for_: Callable[[], bool]) -> None:
        """Wait until something in the other thread has come about."""
        deadline = time.monotonic() + WAIT_S
        while not for_():
            assert time.monotonic() < deadline, "it never came about"
            time.sleep(0.001)


@contextmanager
def house(policy: Callable[[Mapping[str, Simulator]], str]) -> Iterator[House]:
    """A node with this policy, which may name the addresses of the simulators."""
    one = House(policy)
    one.start()
    try:
        yield one
    finally:
        one.stop()


def everything(sims: Mapping[str, Simulator]) -> str:
    """A route for each pair of client and provider, and one more that refuses what cannot be said."""
    lines = ["policy 1"]
    for name, upstream in UPSTREAMS.items():
        model = name.replace("-", "_")
        lines.append(upstream.model(model, sims[name].url))
        for client in CLIENTS.values():
            named = route(client.name, name)
            lines.append(_route(named, client, f"/{name}", f"ai.chat {model}"))
            lines.append(_route(f"{named}_strict", client, f"/strict/{name}", f"ai.chat {model} unknown=refuse"))
    return "\n".join(lines)


def one_model(line: str) -> str:
    """A policy as a user has it: one model, one route for each client."""
    lines = ["policy 1", line]
    for client in CLIENTS.values():
        lines.append(_route(client.name.replace("-", "_"), client, "", "ai.chat smart"))
    return "\n".join(lines).replace("POST /mistralai/", "POST /mistral/")


def route(client: str, upstream: str) -> str:
    """The name of a pair's route."""
    return f"{upstream}_to_{client}".replace("-", "_")


def _route(name: str, client: type[Client], prefix: str, line: str) -> str:
    # Mistral's clients post to the path of OpenAI's.
    said = " dialect=mistral" if client.dialect == "mistral" else ""
    prefix = f"/mistralai{prefix}" if said else prefix
    return f"route {name} POST {prefix}{client.path} {{\n    auth.key\n    read.chat{said} as chat\n    {line}\n}}"


def base(client: str, upstream: str, prefix: str = "") -> str:
    """Where a client has to be pointed so that a provider answers."""
    return f"{'/mistralai' if CLIENTS[client].dialect == 'mistral' else ''}{prefix}/{upstream}"
