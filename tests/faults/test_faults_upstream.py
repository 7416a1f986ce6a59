"""Upstreams over HTTP/1.1 that refuse, hang, reset, lie, trickle and send garbage, behind a real node.

Each fault is a route and an upstream. A test asks, looks at what the client got and at the row, makes the upstream well, and
measures how long it takes until the route answers again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio
from fault_client import answers, ask, row, until_normal
from fault_stage import WELL, Stage
from live_node import LiveNode, live_node

from headgate.testing import Wire, answer, hangs, resets, says
from headgate.testing.upstreams import Script

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def begins(data: bytes, then: Callable[[Wire], object] | None = None) -> Script:
    """Sends these bytes and then says nothing more, or breaks the connection."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(data)
        await (wire.reset() if then is Wire.reset else wire.gone())

    return script


def trickles(data: bytes, pause_s: float, at_once: bytes = b"") -> Script:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(at_once)
        await wire.trickle(data, pause_s=pause_s)

    return script


async def never_reads(wire: Wire) -> None:
    await trio.sleep(30)


async def endless_head(wire: Wire) -> None:
    await wire.request()
    await wire.send(OK)
    for _ in range(1000):
        await wire.send(b"x-more: " + b"m" * 1000 + b"\r\n")


BEFORE_THE_HEAD: dict[str, tuple[Script | None, int, str]] = {
    "refuses": (None, 502, "upstream.unreachable"),
    "hangs": (hangs, 504, "upstream.timeout"),
    "never-reads": (never_reads, 504, "upstream.timeout"),
    "resets": (resets, 502, "upstream.protocol"),
    "closes": (says(b""), 502, "upstream.protocol"),
    "half-a-head": (says(OK + b"content-le"), 502, "upstream.protocol"),
    "endless-head": (endless_head, 502, "upstream.protocol"),
    "trickles-its-head": (trickles(answer(200, b"late"), 0.05), 504, "upstream.timeout"),
    "garbage": (says(bytes(range(256)) * 8), 502, "upstream.protocol"),
    "another-protocol": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), 502, "upstream.protocol"),
    "two-lengths": (says(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab"), 502, "upstream.protocol"),
    "length-and-chunks": (
        says(OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), 502, "upstream.protocol",
    ),
    "unknown-coding": (says(OK + b"transfer-encoding: gzip\r\n\r\nabc"), 502, "upstream.protocol"),
    "a-length-that-is-none": (says(OK + b"content-length: -1\r\n\r\n"), 502, "upstream.protocol"),
    "switches-unasked": (says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), 502, "upstream.protocol"),
}  # fmt: skip
IN_THE_BODY: dict[str, tuple[Script, str]] = {
    "short-body": (says(OK + b"content-length: 100\r\n\r\nnot a hundred"), "upstream.protocol"),
    "chunks-break-off": (says(CHUNKED + b"5\r\nhello\r\n"), "upstream.protocol"),
    "half-a-chunk": (says(CHUNKED + b"ff\r\nhello"), "upstream.protocol"),
    "garbage-for-a-chunk": (says(CHUNKED + b"5\r\nhello\r\nnonsense\r\n"), "upstream.protocol"),
    "a-chunk-too-long": (says(CHUNKED + b"2\r\nhello\r\n0\r\n\r\n"), "upstream.protocol"),
    "hangs-in-the-body": (begins(OK + b"content-length: 100\r\n\r\nhalf"), "upstream.timeout"),
    "resets-in-the-body": (begins(CHUNKED + b"5\r\nhello\r\n", Wire.reset), "upstream.protocol"),
}
OTHERS: dict[str, Script] = {
    "long-body": says(OK + b"content-length: 5\r\n\r\nhello" + answer(200, b"poison"), times=None),
    "trickles-its-body": trickles(answer(200, b"slow"), 0.02),
    "trickles-for-ever": trickles(b"x" * 100000, 0.02, OK + b"content-length: 100000\r\n\r\n"),
    "answers-unasked": says(answer(200, b"first") + answer(200, b"second"), times=1),
    "out-of-service": hangs,
}
BOUNDS = {"trickles-for-ever": "total=600ms", "trickles-its-body": "timeout=5s idle=2s"}


@pytest.fixture(scope="module")
def node(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    scripts: dict[str, Script | None] = {
        **{name: known[0] for name, known in (*BEFORE_THE_HEAD.items(), *IN_THE_BODY.items())},
        **OTHERS,
    }
    text = "policy 1\n"
    for name, script in scripts.items():
        known = name.replace("-", "_")
        text += f'upstream {known} {{ url = "{stage.url(name, script)}", max_fails = {5 if name == "out-of-service" else 0}, cooldown = 1s }}\n'
        bounds = BOUNDS.get(name, "timeout=400ms idle=400ms")
        text += f"route {known} GET, POST /{name} public {{ forward {known} {bounds} }}\n"
    tmp = tmp_path_factory.mktemp("upstreams")
    file = tmp / "faults.policy"
    file.write_text(text, encoding="utf-8")
    with live_node(file, tmp, "--workers", "1") as node:
        yield node
        assert node.process.poll() is None, node.printed
        assert "Traceback" not in node.printed, node.printed


@pytest.mark.parametrize("fault", BEFORE_THE_HEAD)
def test_an_upstream_that_fails_before_its_head(
    node: LiveNode, stage: Stage, fault: str, measured: Callable[[float], None]
) -> None:
    _, status, error = BEFORE_THE_HEAD[fault]
    body = b"x" * (8 << 20) if fault == "never-reads" else b"once"
    got = ask(node, f"/{fault}", "POST", body=body)
    assert (got.status, got.whole) == (status, True)
    assert got.json()["status"] == status
    assert got.json()["instance"].endswith(got.id)
    assert "127.0.0.1" not in got.body.decode(), "where an upstream is, is nobody's business"
    found = row(node, got)
    assert (found["status"], found["outcome"], found["error"]) == (status, "failed", error)
    node.wait_for(rf"POST /{fault} HTTP/1.1 {status} .*failed.* {got.id}")
    stage.plays(fault, WELL)
    measured(until_normal(answers(node, f"/{fault}")))


@pytest.mark.parametrize("fault", IN_THE_BODY)
def test_an_upstream_that_fails_in_its_body(
    node: LiveNode, stage: Stage, fault: str, measured: Callable[[float], None]
) -> None:
    got = ask(node, f"/{fault}")
    assert (got.status, got.whole) == (200, False), "a truncated answer looks whole"
    found = row(node, got)
    assert (found["status"], found["outcome"]) == (200, "cut")
    assert found["error"] == IN_THE_BODY[fault][1]
    node.wait_for(rf"GET /{fault} HTTP/1.1 200 .*cut.* {got.id}")
    stage.plays(fault, WELL)
    measured(until_normal(answers(node, f"/{fault}")))


def test_a_body_longer_than_declared_is_cut_to_its_length_and_poisons_nobody(
    node: LiveNode, stage: Stage, measured: Callable[[float], None]
) -> None:
    for _ in range(5):
        got = ask(node, "/long-body")
        assert (got.status, got.whole, got.body) == (200, True, b"hello")
        assert row(node, got)["outcome"] == "ok"
    assert stage.opened("long-body") == 5, "a connection with bytes left on it was used again"
    measured(until_normal(answers(node, "/long-body")))


def test_an_answer_that_nobody_asked_for_reaches_nobody(
    node: LiveNode, stage: Stage, measured: Callable[[float], None]
) -> None:
    for _ in range(5):
        assert ask(node, "/answers-unasked").body == b"first"
    stage.plays("answers-unasked", WELL)
    measured(until_normal(lambda: ask(node, "/answers-unasked").body == b"well"))


def test_a_body_that_trickles_goes_through_as_it_comes(node: LiveNode) -> None:
    got = ask(node, "/trickles-its-body")
    assert (got.status, got.whole, got.body) == (200, True, b"slow")
    assert row(node, got)["outcome"] == "ok"


def test_a_body_that_trickles_for_ever_is_cut_by_the_bound_on_the_whole(
    node: LiveNode, stage: Stage, measured: Callable[[float], None]
) -> None:
    got = ask(node, "/trickles-for-ever")
    assert (got.status, got.whole) == (200, False)
    assert got.took_s < 3
    found = row(node, got)
    assert (found["outcome"], found["error"]) == ("cut", "upstream.timeout")
    stage.plays("trickles-for-ever", WELL)
    measured(until_normal(answers(node, "/trickles-for-ever")))


def test_an_upstream_that_is_dead_for_long_costs_nobody_its_timeout(
    node: LiveNode, stage: Stage, measured: Callable[[float], None]
) -> None:
    with ThreadPoolExecutor(5) as clients:
        late = list(clients.map(lambda _: ask(node, "/out-of-service"), range(5)))
    assert {got.status for got in late} == {504}
    refused = ask(node, "/out-of-service")
    assert (refused.status, refused.whole) == (503, True)
    assert refused.took_s < 0.3
    assert re.fullmatch(r"\d+", refused.header("retry-after") or ""), refused.head
    assert row(node, refused)["error"] == "upstream.unavailable"
    stage.plays("out-of-service", WELL)
    measured(until_normal(answers(node, "/out-of-service")))


def test_upstreams_at_fault_hold_up_no_other(node: LiveNode) -> None:
    with ThreadPoolExecutor(8) as clients:
        waiting = [clients.submit(ask, node, "/trickles-its-body") for _ in range(8)]
        assert ask(node, "/long-body").took_s < 0.5
        assert all(one.result().whole for one in waiting)
