"""Upstreams over HTTP/2 that reset streams, go away, break off, lie and send garbage, behind a real node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest
import trio
from fault_client import answers, ask, row, until_normal
from fault_stage import Stage
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamEnded
from h2.exceptions import ProtocolError
from live_node import LiveNode, live_node

from headgate.testing import Wire
from headgate.testing.upstreams import Script


class Peer:
    """The upstream's end of one connection: `h2` says what goes out."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.h2 = H2Connection(H2Configuration(client_side=False, validate_outbound_headers=False))
        self.h2.initiate_connection()

    async def flush(self) -> None:
        await self.wire.send(self.h2.data_to_send())

    async def request(self) -> int | None:
        """The number of the next request's stream, when all of it is here; None at the end of the connection."""
        await self.flush()
        while data := await self.wire.receive():
            try:
                events = self.h2.receive_data(data)
            except ProtocolError:
                break  # h2 takes nothing behind a GOAWAY, not even the end of a stream that was open
            await self.flush()
            if any(isinstance(event, ConnectionTerminated) for event in events):
                break
            if ended := [event.stream_id for event in events if isinstance(event, StreamEnded)]:
                return int(ended[0])
        return None

    async def answer(self, stream: int, body: bytes = b"well", *, length: int | None = None, end: bool = True) -> None:
        self.h2.send_headers(stream, [(":status", "200"), *([("content-length", str(length))] if length else [])])
        self.h2.send_data(stream, body[:2])
        if length:
            await self.flush()
            await trio.sleep(0.05)  # else the lie is found before anything has gone out, and there is no answer to cut
        self.h2.send_data(stream, body[2:], end_stream=end)
        await self.flush()


Act = Callable[[Peer, int], Awaitable[None]]


async def well(peer: Peer, stream: int) -> None:
    await peer.answer(stream)


class Each:
    """A script that acts so on each request of every connection, until it is well."""

    def __init__(self, act: Act) -> None:
        self.act = act

    async def __call__(self, wire: Wire) -> None:
        peer = Peer(wire)
        while (stream := await peer.request()) is not None:
            await self.act(peer, stream)

    def heal(self) -> None:
        self.act = well


def first_then_well(act: Act) -> Each:
    """The first request that ever comes is acted on so; all after it are answered."""
    left = [act]

    async def once(peer: Peer, stream: int) -> None:
        await (left.pop()(peer, stream) if left else peer.answer(stream))

    return Each(once)


async def resets(peer: Peer, stream: int) -> None:
    peer.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
    await peer.flush()


async def refuses(peer: Peer, stream: int) -> None:
    peer.h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
    await peer.flush()


async def goes_away(peer: Peer, stream: int) -> None:
    """None of the requests here was looked at."""
    peer.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=0)
    await peer.flush()
    await peer.wire.close()


async def goes_away_behind_it(peer: Peer, stream: int) -> None:
    """This request is still answered, none after it."""
    goaway = b"\x00\x00\x08\x07\x00" + (0).to_bytes(4, "big") + stream.to_bytes(4, "big") + (0).to_bytes(4, "big")
    await peer.wire.send(goaway)
    await peer.answer(stream, b"the last one")


async def breaks_off(peer: Peer, stream: int) -> None:
    await peer.wire.reset()


async def resets_in_the_body(peer: Peer, stream: int) -> None:
    await peer.answer(stream, b"half", end=False)
    await resets(peer, stream)


async def breaks_off_in_the_body(peer: Peer, stream: int) -> None:
    await peer.answer(stream, b"half", end=False)
    await peer.wire.reset()


async def lies_short(peer: Peer, stream: int) -> None:
    await peer.answer(stream, b"half", length=100)


async def lies_long(peer: Peer, stream: int) -> None:
    await peer.answer(stream, b"more than that", length=4)


async def hangs(peer: Peer, stream: int) -> None:
    await peer.wire.gone()


async def hangs_in_the_body(peer: Peer, stream: int) -> None:
    await peer.answer(stream, b"half", end=False)
    await peer.wire.gone()


async def garbage(peer: Peer, stream: int) -> None:
    await peer.wire.send(bytes(range(256)) * 8)
    await peer.wire.gone()


async def no_status(peer: Peer, stream: int) -> None:
    peer.h2.send_headers(stream, [("x-none", "1")], end_stream=True)
    await peer.flush()


async def speaks_http_1(wire: Wire) -> None:
    await wire.receive()
    await wire.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


FAILS: dict[str, tuple[Script, int, str]] = {
    "resets": (Each(resets), 502, "upstream.protocol"),
    "refuses-always": (Each(refuses), 502, "upstream.protocol"),
    "goes-away-always": (Each(goes_away), 502, "upstream.protocol"),
    "breaks-off": (Each(breaks_off), 502, "upstream.protocol"),
    "hangs": (Each(hangs), 504, "upstream.timeout"),
    "garbage": (Each(garbage), 502, "upstream.protocol"),
    "no-status": (Each(no_status), 502, "upstream.protocol"),
    "speaks-http-1": (speaks_http_1, 502, "upstream.protocol"),
}
CUTS: dict[str, tuple[Script, str]] = {
    "resets-in-the-body": (Each(resets_in_the_body), "upstream.protocol"),
    "breaks-off-in-the-body": (Each(breaks_off_in_the_body), "upstream.protocol"),
    "lies-short": (Each(lies_short), "upstream.protocol"),
    "lies-long": (Each(lies_long), "upstream.protocol"),
    "hangs-in-the-body": (Each(hangs_in_the_body), "upstream.timeout"),
}
PASSES: dict[str, Script] = {
    "refuses-once": first_then_well(refuses),
    "goes-away-once": first_then_well(goes_away),
    "goes-away-behind-it": Each(goes_away_behind_it),
}


def heal(stage: Stage, fault: str, script: Script) -> None:
    """On the connections that are open, and on those that come."""
    if isinstance(script, Each):
        script.heal()
    else:
        stage.plays(fault, Each(well))


@pytest.fixture(scope="module")
def node(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    scripts = {**{name: known[0] for name, known in (*FAILS.items(), *CUTS.items())}, **PASSES}
    text = "policy 1\n"
    for name, script in scripts.items():
        known = name.replace("-", "_")
        text += f'upstream {known} {{ url = "{stage.url(name, script)}", http = 2 }}\n'
        text += f"route {known} GET, POST /{name} public {{ forward {known} timeout=400ms idle=400ms }}\n"
    tmp = tmp_path_factory.mktemp("http2")
    file = tmp / "faults.policy"
    file.write_text(text, encoding="utf-8")
    with live_node(file, tmp, "--workers", "1") as node:
        yield node
        assert "Traceback" not in node.printed, node.printed


@pytest.mark.parametrize("fault", FAILS)
def test_an_http_2_upstream_that_fails_before_its_head(
    node: LiveNode, stage: Stage, fault: str, measured: Callable[[float], None]
) -> None:
    script, status, error = FAILS[fault]
    got = ask(node, f"/{fault}", "POST", body=b"once")
    assert (got.status, got.whole) == (status, True)
    found = row(node, got)
    assert (found["status"], found["outcome"], found["error"]) == (status, "failed", error)
    heal(stage, fault, script)
    measured(until_normal(answers(node, f"/{fault}")))


@pytest.mark.parametrize("fault", CUTS)
def test_an_http_2_upstream_that_fails_in_its_body(
    node: LiveNode, stage: Stage, fault: str, measured: Callable[[float], None]
) -> None:
    script, error = CUTS[fault]
    got = ask(node, f"/{fault}")
    assert (got.status, got.whole) == (200, False), "a truncated answer looks whole"
    found = row(node, got)
    assert (found["status"], found["outcome"], found["error"]) == (200, "cut", error)
    heal(stage, fault, script)
    measured(until_normal(answers(node, f"/{fault}")))


@pytest.mark.parametrize("fault", PASSES)
def test_what_an_http_2_upstream_has_not_looked_at_is_sent_again(
    node: LiveNode, fault: str, measured: Callable[[float], None]
) -> None:
    """A POST too: the upstream itself has said that nothing of it was processed."""
    for _ in range(3):
        got = ask(node, f"/{fault}", "POST", body=b"once")
        assert (got.status, got.whole) == (200, True)
        assert row(node, got)["outcome"] == "ok"
    measured(until_normal(answers(node, f"/{fault}")))
