"""The plugin through policies as they are served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from headgate.api import ClientFault, Exchange, Key, Node, Stores, SystemClock, hookimpl, step
from headgate.errors import PolicyError
from headgate.host.plugins import load_plugins
from headgate.host.policies import compile_policies, read_policies
from headgate.language.emit import Program
from headgate.language.render import render
from headgate.pipeline.provision import provision
from headgate.pipeline.rehearsal import rehearse_in_thread
from headgate.testing import ScriptedUpstream, open_gate, reply
from headgate_ai import Ai
from headgate_openai import OpenAi
from headgate_routing import Routing

EXAMPLE = Path(__file__).parents[3] / "plugins/headgate_ai/example.policy"


class Keys:
    """A step that authenticates, to be faked."""

    @hookimpl
    def register_steps(self) -> list[Any]:
        return [auth_key]


@step("auth.key", gives="auth", raises=("auth.missing",))
def auth_key(ctx: Exchange, /) -> Key:
    """A key that nobody has."""
    raise ClientFault("auth.missing", "No key.", status=401)


def compiled(path: Path) -> Program:
    return compile_policies(
        read_policies(path, load_plugins([("ai", Ai), ("openai", OpenAi)], discover=False).vocabulary)
    )


def node() -> Node:
    """A node that knows OpenAI's dialect and nothing else."""
    spoken = {speaks.name: speaks for speaks in OpenAi().register_dialects()}
    return Node(SystemClock(), None, None, Stores(), dialects=spoken)  # type: ignore[arg-type]


def rehearsed(path: Path, *more: type, everything: bool = False) -> list[str]:
    """What is wrong with a policy: findings, and the tests that fail. With a few plugins, or with all that ship."""
    few = [("ai", Ai), ("openai", OpenAi), *((cls.__name__.lower(), cls) for cls in more)]
    plugins = load_plugins() if everything else load_plugins(few, discover=False)
    assert not plugins.broken
    reading = read_policies(path, plugins.vocabulary)
    if reading.checked.findings:
        return [render(reading.checked.findings, reading.sources)]
    outcomes = rehearse_in_thread(compile_policies(reading), lambda node: [])
    assert outcomes
    return [render([outcome.finding], reading.sources) for outcome in outcomes if outcome.finding]


def test_the_example_holds() -> None:
    assert rehearsed(EXAMPLE, everything=True) == []


def test_the_example_of_tasks_holds() -> None:
    plugins = load_plugins([], discover=True)
    reading = read_policies(EXAMPLE.with_name("tasks.policy"), plugins.vocabulary)
    assert not reading.checked.findings
    outcomes = rehearse_in_thread(compile_policies(reading), lambda node: [])
    assert [render([one.finding], reading.sources) for one in outcomes if one.finding] == []
    assert len(outcomes) >= 8


CHAT = """policy 1

model gpt { provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY_OF_NOBODY") }
model claude { provider = openrouter, name = "anthropic/claude-sonnet-4", key = secret("OPENROUTER_API_KEY_OF_NOBODY") }
model local { provider = vllm, name = "llama-3.3-70b", url = "http://vllm.internal:8000" }

route chat POST /v1/chat/completions {
    auth.key as key
    read.chat as chat
    require chat.model in key.models else 403 "{key.team} may not use {chat.model}."
    fallback on=[429, 5xx, timeout] {
        ai.chat gpt timeout=30s
        ai.chat claude timeout=30s
        ai.chat local timeout=60s
    }
    set response.header["x-model"] = served.model
    on upstream.* { respond 503 error="No model can answer right now." }
}
"""
GIVEN = """
    given auth.key = {team: "search", id: "k_1", models: ["gpt-4.1"]}
"""
SEND = 'send POST /v1/chat/completions json={model: "gpt-4.1", messages: [{role: "user", content: "Hi"}]}'
STREAM = SEND.replace("model:", "stream: true, model:")


@pytest.mark.parametrize(
    "test",
    [
        f"""given gpt = reply(503)
    given claude = chat_reply("Hello.", prompt_tokens=10, completion_tokens=2)
    {SEND}
    expect status == 200
    expect served.model == "anthropic/claude-sonnet-4"
    expect response.header["x-model"] == "anthropic/claude-sonnet-4"
    expect usage.cost == $0.00006
    expect calls(gpt) == 1
    expect not called(local)""",
        f"""given gpt = fail("upstream.timeout")
    given claude = reply(429)
    given local = chat_reply("Hello.")
    {SEND}
    expect served.provider == "vllm"
    expect usage.estimated ?? false
    expect logged["unpriced"] is absent
    expect sent(local).path == "/chat/completions"
    expect sent(local).json.model == "llama-3.3-70b\"""",
        f"""given gpt = chat_stream(["never seen"], dies_after=0)
    given claude = chat_stream(["Hel", "lo."], prompt_tokens=10, completion_tokens=2)
    {STREAM}
    expect status == 200
    expect served.model == "anthropic/claude-sonnet-4"
    expect usage.output_tokens == 2""",
        f"""given gpt = reply(400, json={{error: {{message: "Too long."}}}})
    {SEND}
    expect status == 503
    expect not called(claude)""",
        f"""given gpt = reply(503)
    given claude = reply(503)
    given local = reply(500, delay=61s)
    {SEND}
    expect status == 503
    expect response.json.error.message == "No model can answer right now."
    expect response.json.error.type == "server_error\"""",
        """send POST /v1/chat/completions json={model: "o3", messages: [{role: "user", content: "Hi"}]}
    expect status == 403
    expect response.json.error.message == "search may not use o3.\"""",
        f"""given gpt = chat_stream(["Hello, ", "world"], dies_after=2)
    {STREAM}
    expect outcome == "cut"
    expect usage.estimated ?? false
    expect not called(claude)""",
    ],
)
def test_a_policy_with_keys_and_a_fallback(tmp_path: Path, test: str) -> None:
    path = tmp_path / "chat.policy"
    path.write_text(f'{CHAT}\ntest "it" {{{GIVEN}    {test}\n}}\n')
    assert rehearsed(path, Keys, Routing) == []


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ('provider = nobody, name = "x"', "there is no provider `nobody`"),
        ('provider = openai, name = "x"', 'key = secret("OPENAI_API_KEY")'),
        ('provider = vllm, name = "x"', 'add url = "http://vllm.internal:8000"'),
        ('provider = vllm, name = "x", url = "vllm:8000"', "is not an http:// or https:// URL"),
        ('provider = azure, name = "x", key = secret("K")', 'add url = "https://RESOURCE.openai.azure.com"'),
        ('provider = bedrock, name = "x", key = secret("K")', "no installed plugin speaks `bedrock`"),
        ('provider = echo, name = "x", headers = {Authorization: "x"}', "may not set Authorization"),
        ('provider = echo, name = "x", headers = {a: "x\\ny"}', "printable ASCII"),
    ],
)
def test_a_model_that_cannot_be_used_is_a_finding(tmp_path: Path, model: str, says: str) -> None:
    path = tmp_path / "a.policy"
    path.write_text(f"policy 1\nmodel m {{ {model} }}\nroute a POST /a public {{ read.chat as c\n ai.chat m\n }}\n")
    with pytest.raises(PolicyError) as caught:
        provision(compiled(path), node(), 1)
    assert says in caught.value.diagnostics[0].message


def test_a_chat_is_asked_for_before_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.policy"
    path.write_text('policy 1\nmodel m { provider = echo, name = "e" }\nroute a POST /a public { ai.chat m }\n')
    assert "`chat` is given by: read.chat" in rehearsed(path)[0]


async def test_a_retry_waits_as_long_as_a_provider_says_and_no_longer_than_the_line_allows(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    monkeypatch.setenv("AI_TEST_KEY", "sk-x")
    limited = reply(429, b'{"error":{"message":"Slow down."}}', [(b"retry-after", b"1")])
    provider = await ScriptedUpstream(limited).start(nursery)
    policy = f"""policy 1
model gpt {{ provider = openai, name = "gpt-4.1", key = secret("AI_TEST_KEY"), url = "{provider.url}" }}
route short POST /short public {{ read.chat as chat
 retry 2 on=[429] longest=500ms {{ ai.chat gpt }}
}}
route long POST /long public {{ read.chat as chat
 retry 1 on=[429] backoff=1ms {{ ai.chat gpt }}
}}
"""
    chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    async with open_gate(policy) as gate:
        assert (await gate.send("POST", "/short", json_body=chat)).status == 429
        assert len(provider.received) == 1
        began = trio.current_time()
        assert (await gate.send("POST", "/long", json_body=chat)).status == 429
        assert len(provider.received) == 3
        assert trio.current_time() - began >= 1.0
