"""What one event of a stream costs, as numbers: counts are the same on every machine, and a change of one is a decision.

Each event comes alone, and the next only when the client has read it. What a stream costs besides falls out, since a long
one is compared with a short one.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from typing import Any

import pytest
import trio

from headgate.contracts.ai import framing
from headgate.message import sse
from headgate.testing import Wire
from headgate_ai import Ai
from headgate_anthropic import Anthropic
from headgate_openai.chat import passing

SHORT, LONG = 10, 60
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
MARK = "word "

POLICY = """policy 1
model gpt {{ provider = openai, name = "gpt-4.1", key = secret("AI_TEST_KEY"), url = "{url}/v1" }}
model claude {{ provider = anthropic, name = "claude-sonnet-4-5", key = secret("AI_TEST_KEY"), url = "{url}" }}
route passed POST /passed/v1/chat/completions public {{
    read.chat as chat
    ai.chat gpt
}}
route told POST /told/v1/chat/completions public {{
    read.chat as chat
    ai.chat claude
}}
route messages POST /v1/messages public {{
    read.chat as chat
    ai.chat gpt
}}
{lines}"""


def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    value = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": None,
    }
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


OPENAI = (b"", chunk({"content": MARK}), chunk({}, "stop") + b"data: [DONE]\n\n")
CLAUDE = (
    event("message_start", message={"id": "m", "model": "c", "usage": {"input_tokens": 3, "output_tokens": 1}})
    + event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": MARK}),
    event("content_block_stop", index=0)
    + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
    + event("message_stop"),
)


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Lockstep:
    """The provider: it sends a delta when it is told to, and the end after the last."""

    def __init__(self) -> None:
        self.deltas = 0
        self.read, self.go = trio.open_memory_channel[None](100)

    async def __call__(self, wire: Wire) -> None:
        while (asked := await wire.request()) is not None:
            opening, delta, closing = CLAUDE if asked.path.endswith("/messages") else OPENAI
            await wire.send(HEAD + framed(opening + delta))
            for _ in range(self.deltas - 1):
                await self.go.receive()
                await wire.send(framed(delta))
            await self.go.receive()
            await wire.send(framed(closing) + b"0\r\n\r\n")


class Watching(trio.abc.Instrument):
    """Counts what the loop does."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self.count["tasks"] += 1

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task.name.endswith("Connections.serve"):
            self.count["steps"] += 1


class Counting:
    """Counts calls of whatever it is put around."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: Counter[str]) -> None:
        self.monkeypatch, self.count = monkeypatch, count

    def around(self, owner: Any, name: str, what: Any = None) -> None:
        plain = getattr(owner, name)

        def call(*args: Any, **named: Any) -> Any:
            called = what(*args) if what is not None else name
            if called is not None:
                self.count[called] += 1
            return plain(*args, **named)

        self.monkeypatch.setattr(owner, name, call)


async def stream(port: int, provider: Lockstep, path: bytes, deltas: int) -> None:
    """A stream of so many deltas, read one by one."""
    body = {"model": "x", "stream": True, "max_tokens": 99, "messages": [{"role": "user", "content": "Hi"}]}
    data = json.dumps(body).encode()
    provider.deltas = deltas
    async with await trio.open_tcp_stream("127.0.0.1", port) as client:
        await client.send_all(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (path, len(data), data))
        seen, came = 0, b""
        while not came.endswith(b"0\r\n\r\n"):
            came = await client.receive_some()
            seen += came.count(MARK.encode())
            if MARK.encode() in came:
                await provider.read.send(None)
        assert seen == deltas


@pytest.mark.parametrize(
    ("path", "parses"),
    [(b"/passed/v1/chat/completions", 0), (b"/told/v1/chat/completions", 1), (b"/v1/messages", 1)],
    ids=["openai to openai", "anthropic to openai", "openai to anthropic"],
)
async def test_an_event_is_one_receive_one_send_one_step_and_read_at_most_once(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, path: bytes, parses: int
) -> None:
    provider, watching = Lockstep(), Watching()
    async with gateway(provider, lines="", policy=POLICY, plugins=(Ai, Anthropic)) as g:
        upstream = g.provider.port

        def side(name: str) -> Any:
            def of(sock: socket.socket, *_: Any) -> str | None:
                if sock.family != socket.AF_INET or sock.fileno() < 0:
                    return None
                if sock.getsockname()[1] == g.port:
                    return f"{name} client"
                try:
                    return f"{name} upstream" if sock.getpeername()[1] == upstream else None
                except OSError:
                    return None

            return of

        counting = Counting(monkeypatch, watching.count)
        for name in ("recv", "send", "sendall"):
            counting.around(socket.socket, name, side(name))
        for module in (framing, passing, sse):
            counting.around(module, "parse_event")
        counting.around(trio, "CancelScope", lambda *_: "scopes")
        await stream(g.port, provider, path, 3)
        totals = []
        trio.lowlevel.add_instrument(watching)
        try:
            for deltas in (SHORT, LONG):
                watching.count.clear()
                await stream(g.port, provider, path, deltas)
                totals.append(Counter(watching.count))
        finally:
            trio.lowlevel.remove_instrument(watching)
    # Rounded, since tasks of the node that have nothing to do with the stream wake now and then.
    each = {name: round((totals[1][name] - totals[0][name]) / (LONG - SHORT)) for name in totals[1]}
    assert {name: count for name, count in each.items() if count} == {
        "recv upstream": 1, "send client": 1, "steps": 1, **({"parse_event": 1} if parses else {}),
    }  # fmt: skip
