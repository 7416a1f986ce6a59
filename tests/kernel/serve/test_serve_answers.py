"""What a client gets when there is nothing to get, or when something is wrong: problems, and a row for each."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from headgate.api import ClientFault, Exchange, Failure, Kind, Run, UpstreamFault, block, hookimpl, step
from headgate.testing import Answer, Gate, open_gate

POLICY = """policy 1
route item GET, PUT /items/{id:int} public { respond 200 json={id: request.params.id} }
route divide GET /divide/{id:int} public {
    respond 200 text="{100 / request.params.id}"
}
route raises GET /raises/{what} public {
    probe.raises request.params.what
    respond 200
}
route handler GET /handler public {
    probe.raises "probe.said"
    respond 200
    on probe.said {
        probe.raises "probe.said"
        respond 418
    }
}
route inside GET /inside public {
    probe.block { probe.raises "probe.said" }
    respond 200
}
route late GET /late public {
    probe.late
    respond 200
}
"""


class Probe:
    """Steps that keep their word, and steps that do not."""

    @hookimpl
    def register_steps(self) -> list[Callable[..., Any]]:
        return [raises, wrap, late]

    @hookimpl
    def register_kinds(self) -> list[Kind]:
        return [Kind("probe.said", 409, "It said so"), Kind("probe.unsaid", 418, "It never said so")]


@step("probe.raises", raises=("probe.said",))
async def raises(ctx: Exchange, what: str, /) -> None:
    """Raise."""
    if what == "boom":
        raise RuntimeError("the plugin broke")
    if what == "exit":
        raise UpstreamFault("upstream.timeout", "too slow", status=504)
    raise ClientFault(what, "as asked", status=409)


@block("probe.block")
async def wrap(ctx: Exchange, run: Run, /) -> Any:
    """Run the lines; what they raise goes through."""
    return await run()


@step("probe.late")
def late(ctx: Exchange, /) -> None:
    """Break when the head is decided."""

    def head(ctx: Exchange) -> None:
        raise LookupError("at the head")

    ctx.on_head(head)


@pytest.fixture
async def gate() -> Any:
    async with open_gate(POLICY, plugins=[("probe", Probe)], discover=False) as gate:
        yield gate


def problem(answer: Answer) -> dict[str, Any]:
    """A problem document as RFC 9457 wants it, about this very answer."""
    assert answer.headers.get(b"content-type") == b"application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["detail"]
    said = answer.headers.get(b"x-request-id")
    assert said is not None
    assert document["instance"] == f"urn:request:{said.decode()}"
    return document


async def row_of(gate: Gate, answer: Answer) -> Any:
    row = await gate.row(len(gate.rows) - 1 if gate.rows else 0)
    assert answer.headers.get(b"x-request-id") == row["id"].encode()
    assert row["status"] == answer.status
    return row


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/none", 404), ("GET", "/items/x", 404), ("DELETE", "/items/7", 405), ("OPTIONS", "/items/7", 405)],
)
async def test_what_no_route_answers_is_a_problem_with_a_row(gate: Gate, method: str, path: str, status: int) -> None:
    answer = await gate.send(method, path)
    assert answer.status == status
    problem(answer)
    row = await row_of(gate, answer)
    assert (row["outcome"], row["route"]) == ("refused", None)
    assert answer.headers.get(b"allow") == (b"GET, HEAD, PUT" if status == 405 else None)


async def test_head_is_get_without_the_body(gate: Gate) -> None:
    heads = []
    for method in (b"GET", b"HEAD"):
        raw = await exchange(gate, method + b" /items/7 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        head, _, body = raw.partition(b"\r\n\r\n")
        assert body == (b'{"id":7}' if method == b"GET" else b"")
        heads.append([line for line in head.split(b"\r\n") if not line.startswith((b"x-request-id", b"date"))])
    assert heads[0] == heads[1]
    assert b"content-length: 8" in heads[0]


async def test_what_the_lane_refuses_is_a_problem_with_a_row(gate: Gate) -> None:
    raw = await exchange(gate, b"GET /items/7?secret HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in head
    document = json.loads(body)
    row = await gate.row(0)
    assert document["instance"] == f"urn:request:{row['id']}"
    assert f"x-request-id: {row['id']}".encode() in head
    assert (row["status"], row["outcome"], row["method"], row["route"]) == (400, "refused", "GET", None)
    assert "Host" in row["error"]


async def exchange(gate: Gate, data: bytes) -> bytes:
    stream = await trio.open_tcp_stream("127.0.0.1", int(gate.url.rpartition(":")[2]))
    async with stream:
        stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await stream.send_all(data)
        return b"".join([piece async for piece in stream])


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("/divide/0", "ZeroDivisionError", "test.policy:4: ZeroDivisionError"),
        ("/raises/boom", "RuntimeError", "test.policy:7: RuntimeError: the plugin broke"),
        (
            "/raises/probe.unsaid",
            "PluginFault",
            "test.policy:7: PluginFault: the step `probe.raises` raised `probe.unsaid`",
        ),
        ("/raises/unknown", "PluginFault", "raised `unknown`, which it does not declare"),
        ("/raises/exit", "PluginFault", "raised `upstream.timeout`, which it does not declare"),
        ("/handler", "HandlerFault", "test.policy:14: ClientFault: as asked"),
        ("/late", "LookupError", "at the head: LookupError: at the head"),
    ],
)
async def test_a_bug_is_a_500_that_says_nothing_and_a_log_that_says_where(
    gate: Gate, caplog: pytest.LogCaptureFixture, path: str, error: str, said: str
) -> None:
    answer = await gate.send("GET", path)
    assert answer.status == 500
    assert problem(answer)["detail"].startswith("Something went wrong here. Request ")
    row = await row_of(gate, answer)
    assert (row["error"], row["outcome"]) == (error, "failed")
    assert said in caplog.text
    assert row["id"] in caplog.text


@pytest.mark.parametrize("path", ["/raises/probe.said", "/raises/request.timeout", "/inside"])
async def test_what_a_step_declared_is_an_answer(gate: Gate, path: str) -> None:
    answer = await gate.send("GET", path)
    assert answer.status == 409
    assert problem(answer)["detail"] == "as asked"
    assert (await row_of(gate, answer))["outcome"] == "refused"


def test_a_failure_says_what_it_is() -> None:
    assert repr(Failure("probe.said", "as asked", status=409)) == "<Failure probe.said 409: as asked>"


class Owned:
    """A resource that counts its ends."""

    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_the_resources_of_a_set_close_when_its_last_request_has_ended() -> None:
    from headgate.pipeline.snapshot import Snapshot
    from headgate.pipeline.table import RouteTable

    owned = Owned()
    snapshot = Snapshot(1, RouteTable([]), owned.aclose)
    snapshot.active = 1
    async with trio.open_nursery() as nursery:
        nursery.start_soon(snapshot.retire)
        await trio.testing.wait_all_tasks_blocked()
        assert owned.closed == 0
        snapshot.leave()
    assert owned.closed == 1
    assert repr(snapshot) == "<Snapshot 1 retired [0 routes, 0 active]>"
