"""Calls that one task keeps time for: late ones fail as those with a scope of their own do."""

from __future__ import annotations

import pytest
import trio

from headgate.contracts.transport import Outgoing, Timeouts
from headgate.errors import UpstreamFault
from headgate.testing import ScriptedUpstream, Wire, answer, hangs, reply, resets
from headgate.testing.upstreams import Script
from headgate.upstream import Egress, Http1Transport
from headgate.upstream.call import Call
from headgate.upstream.patience import COARSE_S, TICK_S, Patience


def first_then(then: Script) -> Script:
    """One answer, and then something else on the same connection."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(answer(body=b"first"))
        await then(wire)

    return script


async def warmed(nursery: trio.Nursery, then: Script, *others: Script) -> tuple[Http1Transport, ScriptedUpstream]:
    """A transport that keeps time coarsely, with one idle connection."""
    transport = Http1Transport(Egress())
    nursery.start_soon(transport.run)
    upstream = ScriptedUpstream(first_then(then), *others)
    await upstream.start(nursery)
    while not transport.patience.watching:
        await trio.lowlevel.checkpoint()
    response = await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts(head_s=5))
    assert response.body == b"first"
    return transport, upstream


async def test_a_call_on_an_idle_connection_enters_no_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    async with trio.open_nursery() as nursery:
        transport, upstream = await warmed(nursery, reply(body=b"second"))
        monkeypatch.setattr(Call, "scope", property(lambda self: pytest.fail("a scope was made")))
        response = await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts(head_s=5))
        assert response.body == b"second"
        assert not transport.patience.until
        await transport.aclose()
        nursery.cancel_scope.cancel()


async def test_a_late_head_is_a_timeout_and_gives_the_slot_back() -> None:
    async with trio.open_nursery() as nursery:
        transport, upstream = await warmed(nursery, hangs)
        began = trio.current_time()
        with pytest.raises(UpstreamFault) as raised:
            await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts(head_s=COARSE_S))
        assert raised.value.kind == "upstream.timeout"
        assert raised.value.sent
        assert COARSE_S <= trio.current_time() - began < COARSE_S + 5 * TICK_S
        (pool,) = transport.pools()
        assert pool.active == 0
        await transport.aclose()
        nursery.cancel_scope.cancel()


async def test_a_stale_connection_is_tried_once_more() -> None:
    async with trio.open_nursery() as nursery:
        transport, upstream = await warmed(nursery, resets, reply(body=b"again"))
        response = await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts(head_s=5))
        assert response.body == b"again"
        (pool,) = transport.pools()
        assert pool.active == 0
        await transport.aclose()
        nursery.cancel_scope.cancel()


def test_short_bounds_and_an_idle_watch_want_a_scope() -> None:
    patience = Patience()
    assert not patience.suffices(5.0, None)
    patience.watching = True
    assert patience.suffices(5.0, None)
    assert not patience.suffices(0.2, None)
