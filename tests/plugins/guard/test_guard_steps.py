"""`guard.size` and `cors`, over a real socket and in the example."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from headgate.api import ClientFault, Outgoing, Target, Timeouts, read_all
from headgate.errors import PolicyError
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.host.settings import Settings
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.serve import opened_by_plugins
from headgate.testing import ScriptedUpstream, open_gate, reply
from headgate_ai import Ai
from headgate_guard import Guard
from headgate_guard.size import BoundedBody
from headgate_openai import OpenAi
from headgate_routing import Routing

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_guard/example.policy"
PLUGINS = [("guard", Guard), ("routing", Routing)]
ASKS = {"origin": "https://a.example", "access-control-request-method": "GET"}


def gate(text: str):
    return open_gate("policy 1\n" + text, plugins=PLUGINS, discover=False)


def test_the_example_passes_its_own_tests():
    plugins = load_plugins([*PLUGINS, ("ai", Ai), ("openai", OpenAi)], discover=False)
    program = compile_policies(read_policies(EXAMPLE, plugins.vocabulary))
    outcomes = rehearse_in_thread(program, functools.partial(opened_by_plugins, Settings(), plugins))
    assert [str(one.finding.message) for one in outcomes if one.finding] == []
    assert len(outcomes) == 13


class Pieces:
    """A body of unknown length."""

    length = None

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    async def aclose(self) -> None: ...


async def test_a_body_of_unknown_length_is_bounded_as_it_streams(nursery):
    up = await ScriptedUpstream(reply(200, b"all of it")).start(nursery)
    text = f'upstream u {{ url = "{up.url}" }}\nroute r POST / public {{ guard.size 1KB\n forward u }}'
    async with gate(text) as g:
        for pieces, status in ((1, 200), (40, 413)):
            outgoing = Outgoing("POST", b"/", [], Pieces(*[b"x" * 1000] * pieces))
            response = await g.client.send(Target.parse(g.url), outgoing, Timeouts())
            assert response.status == status
            await response.aclose()
        assert [len(received.body) for received in up.received][:1] == [1000]


async def test_a_declared_length_is_refused_at_once_and_never_reaches_the_upstream(nursery):
    up = await ScriptedUpstream(reply()).start(nursery)
    text = f'upstream u {{ url = "{up.url}" }}\nroute r POST / public {{ guard.size 1KB\n forward u }}'
    async with gate(text) as g:
        got = await g.send("POST", "/", body=b"x" * 1025)
        assert (got.status, got.json()["detail"]) == (413, "The body may hold at most 1 KB.")
        assert (await g.send("POST", "/", body=b"x" * 1024)).status == 200
        assert up.opened == 1


async def test_a_bounded_body_stays_failed():
    body = BoundedBody(Pieces(b"ab", b"cd", b"ef"), 3)
    assert await body.read() == b"ab"
    for _ in range(2):
        with pytest.raises(ClientFault, match="3 bytes"):
            await body.read()
    assert await read_all(BoundedBody(Pieces(b"abc"), 3), 100) == b"abc"


async def test_preflights_are_for_the_methods_that_a_route_has_and_go_no_further(nursery):
    up = await ScriptedUpstream(reply()).start(nursery)
    text = f"""
upstream u {{ url = "{up.url}" }}
route r GET / public {{ cors allow=["https://a.example"]
 forward u }}
route silent GET /none public {{ cors allow=[]
 forward u }}
"""
    async with gate(text) as g:
        got = await g.send("OPTIONS", "/", headers={**ASKS, "access-control-request-headers": "x-a, X-B"})
        assert got.status == 204
        assert got.headers.get(b"access-control-allow-origin") == b"https://a.example"
        assert got.headers.get(b"access-control-allow-methods") == b"GET"
        assert got.headers.get(b"access-control-allow-headers") == b"x-a, X-B"
        strange = await g.send("OPTIONS", "/", headers={**ASKS, "access-control-request-headers": 'x"<script>'})
        assert strange.headers.get(b"access-control-allow-headers") is None
        other = await g.send("OPTIONS", "/", headers={**ASKS, "origin": "https://b.example"})
        assert other.status == 204
        assert other.headers.get(b"access-control-allow-origin") is None
        assert b"origin" in (other.headers.get(b"vary") or b"")
        assert (await g.send("OPTIONS", "/", headers={**ASKS, "access-control-request-method": "PUT"})).status == 405
        nothing = await g.send("OPTIONS", "/none", headers=ASKS)
        assert nothing.status == 204
        assert nothing.headers.get(b"access-control-allow-origin") is None
        assert up.received == []


async def test_answers_of_all_kinds_carry_the_lines_and_caches_are_told(nursery):
    up = await ScriptedUpstream(
        reply(200, b"", [(b"vary", b"Accept, Origin"), (b"access-control-allow-origin", b"https://evil.example")])
    ).start(nursery)
    text = f"""
upstream u {{ url = "{up.url}" }}
route r GET / public {{
    cors allow=["https://a.example", "null"] credentials=true expose=["x-a", "x-b"]
    require request.query["no"] is absent else 403 "No."
    forward u
}}
route quiet GET /quiet public {{ cors allow=[]
 forward u }}
"""
    async with gate(text) as g:
        for path, status in (("/", 200), ("/?no=1", 403)):
            got = await g.send("GET", path, headers={"origin": "https://a.example"})
            assert got.status == status
            assert got.headers.all(b"access-control-allow-origin") == [b"https://a.example"]
            assert got.headers.get(b"access-control-allow-credentials") == b"true"
            assert got.headers.get(b"access-control-expose-headers") == b"x-a, x-b"
        assert (await g.send("GET", "/", headers={"origin": "https://a.example"})).headers.all(b"vary") == [
            b"Accept, Origin"
        ]
        assert (await g.send("GET", "/", headers={"origin": "null"})).headers.get(b"access-control-allow-origin") == (
            b"null"
        )
        unknown = await g.send("GET", "/?no=1")
        assert unknown.headers.get(b"vary") == b"origin"
        assert unknown.headers.get(b"access-control-allow-origin") is None
        evil = await g.send("GET", "/", headers={"origin": "https://evil.example"})
        assert evil.headers.get(b"access-control-allow-origin") is None, "the upstream has no say"
        quiet = await g.send("GET", "/quiet", headers={"origin": "https://evil.example"})
        assert quiet.headers.get(b"access-control-allow-origin") == b"https://evil.example", "nothing is added or taken"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('cors allow=["*"] credentials=true', "by name"),
        ('cors allow=["https://a.example/"]', "is no origin"),
        ('cors allow=["a.example"]', "is no origin"),
        ('cors allow=["https://A.example"]', "is no origin"),
    ],
)
async def test_what_browsers_would_refuse_is_refused_when_it_loads(line, why):
    with pytest.raises(PolicyError) as refused:
        async with gate(f"route r GET / public {{ {line}\n respond 204 }}"):
            pass
    assert why in refused.value.diagnostics[0].message
