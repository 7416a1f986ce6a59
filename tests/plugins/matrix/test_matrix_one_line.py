"""One line of a policy changes, from one provider to another, and every client's program runs on as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from matrix.asks import Ask, Results, User
from matrix.clients import CLIENTS
from matrix.clients.base import Client
from matrix.house import house, one_model
from matrix.upstreams import KEY, SECRET, UPSTREAMS

from headgate.testing.providers import Call, Says, Simulator, Thought

TOOLS = {"weather": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


def program(client: Client) -> str:
    """What a user wrote once: a question, a tool, an answer as a stream."""
    asked = User("How is the weather in Oslo?")
    first = client.whole(Ask((asked,), system="Be brief.", tools=TOOLS))
    given = Results(first, tuple(f"rain in {call.arguments['city']}" for call in first.calls))
    return client.stream(Ask((asked, first, given), system="Be brief.", tools=TOOLS)).text


def policy_of(provider: str) -> Callable[[Mapping[str, Simulator]], str]:
    return lambda sims: one_model(UPSTREAMS[provider].model("smart", sims[provider].url))


def test_the_policies_differ_in_one_line() -> None:
    one, other = (one_model(upstream.model("smart", "http://x.test")) for upstream in list(UPSTREAMS.values())[:2])
    pairs = zip(one.splitlines(), other.splitlines(), strict=True)
    assert sum(left != right for left, right in pairs) == 1


@pytest.mark.parametrize("provider", UPSTREAMS)
def test_the_same_programs_run_on_with_another_provider(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, KEY)
    with house(policy_of(provider)) as node:
        for name, kind in CLIENTS.items():
            sim = node.sims[provider].says(Says((Thought("Hm."), Call("weather", {"city": "Oslo"}))), Says("Wet."))
            client = node.client(name, "/mistral" if kind.dialect == "mistral" else "")
            assert program(client) == "Wet.", name
            assert b"rain in Oslo" in sim.received[-1].raw
