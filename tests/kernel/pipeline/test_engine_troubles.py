"""What others do wrong stays theirs: a close that hangs, a sink that fails, an answer that cannot be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import trio

from headgate.api import CLOSE, Exchange, Node, Response, Sink, hookimpl, step
from headgate.errors import StoreError
from headgate.pipeline import engine
from headgate.pipeline.rows import refused_row
from headgate.testing import Gate, open_gate

POLICY = """policy 1
route hangs GET /hangs public {
    trouble.hangs
    respond 200
}
route bad GET /bad public { trouble.bad }
route fine GET /fine public { respond 200 text="fine" }
route durable POST /durable public {
    log.call durable=true
    trouble.echo
}
"""


class Ears:
    """A sink that fails, and one behind it that hears."""

    def __init__(self) -> None:
        self.heard: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        self.heard.append(row)
        raise RuntimeError("a sink failed")


class Trouble:
    """Steps and sinks that do what they should not."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.ears = [Ears(), Ears()]

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return [self.hangs, self.bad, self.echo]

    @hookimpl
    def register_sinks(self, settings: Any, node: Node) -> Sequence[Sink]:
        return self.ears

    @step("trouble.hangs", after=CLOSE)
    def hangs(self, ctx: Exchange) -> None:
        """Attach a close that hangs between two that do not."""

        async def forever(ctx: Exchange) -> None:
            try:
                await trio.sleep_forever()
            finally:
                self.closed.append("hung")

        ctx.on_close(lambda ctx: self.closed.append("first line"))
        ctx.on_close(forever)
        ctx.on_close(lambda ctx: self.closed.append("last line"))

    @step("trouble.bad", hinge=True)
    def bad(self, ctx: Exchange) -> None:
        """Answer with a line that would be two."""
        ctx.answer(Response(200, [(b"x", b"1\r\nset-cookie: a=b")], b"secret"))

    @step("trouble.echo", hinge=True)
    def echo(self, ctx: Exchange) -> None:
        """Answer with a body."""
        ctx.answer(Response(200, [], b"answer"))


async def idle(gate: Gate) -> None:
    """Wait until no exchange is left."""
    with trio.fail_after(5):
        while gate.server.engine.snapshot.active:
            await trio.sleep(0.001)


async def test_a_close_that_hangs_keeps_no_other_from_running(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "FINISH_S", 0.05)
    trouble = Trouble()
    async with open_gate(POLICY, plugins=[("trouble", lambda: trouble)]) as gate:
        await gate.send("GET", "/hangs")
        await idle(gate)
        assert trouble.closed == ["last line", "hung", "first line"]
        assert len(gate.rows) == 1
    assert "not done within 0.05 s" in caplog.text


async def test_a_sink_that_fails_costs_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    async with open_gate(POLICY, plugins=[("trouble", lambda: trouble)]) as gate:
        assert (await gate.send("GET", "/fine")).text == "fine"
        await idle(gate)
        assert [len(ears.heard) for ears in trouble.ears] == [1, 1]
    assert "did not take its row" in caplog.text


async def test_an_answer_that_cannot_be_sent_is_ours_and_not_the_upstream_s(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    async with open_gate(POLICY, plugins=[("trouble", lambda: trouble)]) as gate:
        answer = await gate.send("GET", "/bad")
        assert answer.status == 500
        assert answer.headers.get(b"set-cookie") is None
        assert "secret" not in answer.text
        row = await gate.row(0)
        assert (row["status"], row["outcome"]) == (500, "failed")
    assert "CR, LF or NUL" in caplog.text


async def test_a_durable_row_knows_how_much_came_and_went() -> None:
    trouble = Trouble()
    async with open_gate(POLICY, plugins=[("trouble", lambda: trouble)]) as gate:
        await gate.send("POST", "/durable", body=b"hello")
        row = await gate.row(0)
        assert row["bytes_in"] == 5
        assert row["bytes_out"] >= len(b"answer")


async def test_a_durable_answer_whose_row_cannot_be_written_is_an_error_with_one_row(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(row: Mapping[str, Any]) -> None:
        raise StoreError("the disk is full")

    async with open_gate(POLICY, plugins=[("trouble", Trouble)]) as gate:
        gate.calls.add_durably = refuse  # type: ignore[method-assign]
        answer = await gate.send("POST", "/durable")
        assert answer.status == 500
        assert "disk" not in answer.text
        row = await gate.row(0)
        assert (row["outcome"], row["error"]) == ("failed", "StoreError")
        assert len(gate.rows) == 1


def test_what_the_wire_refused_is_logged_without_its_query() -> None:
    row = refused_row(
        at=0.0, id="1", method="GET", target="/a?key=secret", version="1.1", status=400, reason="",
        client="::1", worker="w",
    )  # fmt: skip
    assert row["path"] == "/a"
