"""What is measured: each case is a load, and the gateways that take turns under it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.bed import BIG, CHAT, SMALL

BARE = ("nginx", "haproxy", "caddy", "envoy", "hypercorn+httpx")
REST, AI, STREAM, RELAY = "headgate-rest", "headgate-ai", "headgate-stream", "relay"
ONE, TWO = "headgate-rest-1-worker", "headgate-rest-2-workers"
# What trio costs by itself: bytes to and fro, and no HTTP.
FLOOR = "relay-http"
CONNECTIONS = (1, 32, 512)
EVENTS = 500


@dataclass(frozen=True, slots=True)
class Case:
    """One load. `subject` is whose ratio to the others is of interest."""

    name: str
    title: str
    subject: str
    peers: tuple[str, ...]
    path: str
    connections: int
    tls: bool = False
    streams: bool = False


def _rest(kind: str, title: str, path: str, connections: int) -> Case:
    return Case(
        f"rest-{kind}-{connections}", f"{title}, {_over(connections)}", REST, (*BARE, FLOOR, REST), path, connections
    )


def _chat(connections: int) -> Case:
    peers = ("nginx", "haproxy", "envoy", "litellm", "portkey", FLOOR, AI)
    return Case(f"chat-{connections}", f"Chat completion, {_over(connections)}", AI, peers, CHAT, connections)


def _over(connections: int) -> str:
    return f"{connections} connection{'s' if connections > 1 else ''}"


CASES = (
    *(_rest("small", "GET, 290 B", SMALL, number) for number in CONNECTIONS),
    *(_rest("big", "GET, 64 KB", BIG, number) for number in CONNECTIONS),
    Case("tls-small-32", "GET, 290 B over TLS, 32 connections", REST, (*BARE, REST), SMALL, 32, tls=True),
    *(_chat(number) for number in CONNECTIONS),
    Case("stream-32", f"Streams of {EVENTS} events, 32 at a time", STREAM, ("nginx", "envoy", RELAY, STREAM), CHAT, 32, streams=True),
    Case("workers-32", "GET, 290 B, 32 connections, one worker and two on both cores", TWO, (ONE, TWO), SMALL, 32),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pace:
    """An open loop: `subject` and `beside` at half of what they did in `full`, and nothing between load and upstream."""

    name: str
    title: str
    subject: str
    beside: str
    full: str
    path: str

    def at(self, whose: str) -> str:
        """The name of its case at half the load of one of the two."""
        return f"{self.name}@{whose}"


DIRECT = "direct"
PACES = (
    Pace("paced-rest", "GET, 290 B", REST, "haproxy", "rest-small-32", SMALL),
    Pace("paced-chat", "Chat completion", AI, "haproxy", "chat-32", CHAT),
)
