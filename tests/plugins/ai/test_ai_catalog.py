"""Models work by name, and what is known of them is right or absent."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from rich.table import Table
from tests.plugins.ai.test_ai_policies import rehearsed

from headgate.api import Money
from headgate.api.ai import Counted
from headgate_ai import Ai, models_verb
from headgate_ai.catalog import ABILITIES, INPUTS, MAKERS, entry, every, find, table
from headgate_ai.providers import providers
from headgate_ai.saying import Said


def test_more_than_a_hundred_models_are_known_with_their_window_and_price() -> None:
    known = [one for one in every() if one.context is not None and one.prices.known and one.inputs is not None]
    assert len(known) > 150
    assert len({one.provider for one in known}) > 10


def test_every_group_of_the_table_names_a_provider_and_its_page() -> None:
    assert table().keys() <= providers().keys()
    assert set(MAKERS) <= providers().keys()
    for group in table().values():
        assert urlsplit(group.docs).scheme == "https"


@pytest.mark.parametrize("group", sorted(table()))
def test_every_row_of_the_table_makes_sense(group: str) -> None:
    for name, row in table()[group].models.items():
        facts = row.facts()
        assert name == name.lower()
        assert (facts.inputs or set()) <= set(INPUTS), name
        assert (facts.outputs or set()) <= {"text", "image", "audio"}, name
        assert facts.abilities.keys() <= set(ABILITIES), name
        assert not set(row.can.split()) & set(row.cannot.split()), name
        assert facts.context is None or facts.most_output is None or facts.most_output <= facts.context, name


def test_no_model_is_listed_twice() -> None:
    names = [(one.provider, one.name) for one in every()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "provider", "context", "most_output", "kind"),
    [
        ("gpt-4.1", "openai", 1_047_576, 32_768, "chat"),
        ("gpt-4.1-2025-04-14", "openai", 1_047_576, 32_768, "chat"),
        ("claude-sonnet-4-5-20250929", "anthropic", 200_000, 64_000, "chat"),
        ("claude-3-5-haiku-latest", "anthropic", 200_000, 8192, "chat"),
        ("anthropic/claude-opus-4-5", "anthropic", 200_000, 64_000, "chat"),
        ("gemini-2.5-pro", "gemini", 1_048_576, 65_536, "chat"),
        ("vertex/gemini-2.5-pro", "vertex", 1_048_576, 65_536, "chat"),
        ("azure/gpt-4o", "azure", 128_000, 16_384, "chat"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock", 200_000, 64_000, "chat"),
        ("llama-3.3-70b-versatile", "groq", 131_072, 32_768, "chat"),
        ("text-embedding-3-small", "openai", 8192, None, "embedding"),
        ("rerank-v3.5", "cohere", 4096, None, "rerank"),
        ("whisper-1", "openai", None, None, "transcription"),
        ("ollama/llama3.2", "ollama", None, None, None),
    ],
)
def test_a_name_is_found(
    name: str, provider: str, context: int | None, most_output: int | None, kind: str | None
) -> None:
    found = find(name)
    assert found is not None
    assert (found.provider, found.context, found.most_output, found.kind) == (provider, context, most_output, kind)


def test_a_name_that_nobody_knows_is_not_found() -> None:
    assert find("nobodys-model") is None
    assert find("no/such/model") is None


def test_what_is_not_known_is_absent() -> None:
    unheard = entry(providers()["compatible"], "my-own-weights")
    assert (unheard.context, unheard.most_output, unheard.inputs, unheard.kind) == (None, None, None, None)
    assert unheard.abilities == {}
    assert not unheard.prices.known


@pytest.mark.parametrize("row", ["ollama", "vllm", "llamacpp", "lmstudio"])
def test_on_ones_own_machines_nobody_bills_tokens_unless_the_policy_does(row: str) -> None:
    prices = entry(providers()[row], "my-own-weights").prices
    assert prices.known
    assert prices.cost(Counted(input_tokens=10**6)) == 0
    said = Said(price={"input": Money(2), "output": Money(3)}).over(entry(providers()[row], "x"))
    assert said.prices.cost(Counted(input_tokens=10**6)) == 2


def test_a_host_inherits_what_a_model_is_and_not_what_its_makers_api_adds() -> None:
    own, hosted = find("claude-sonnet-4-5"), find("openrouter/anthropic/claude-sonnet-4.5")
    assert own is not None
    assert hosted is not None
    assert own.abilities["schema"]
    assert "schema" not in hosted.abilities
    assert hosted.abilities["tools"]
    assert hosted.inputs == own.inputs


# --- what a resource says of its model -------------------------------------------------------------------------------

LOCAL = """policy 1
model local {
    provider = vllm, name = "my-own", url = "http://vllm.internal:8000", context = 32000, most_output = 4000,
    inputs = ["text", "image"], abilities = ["tools"], price = {input: $2, output: $8, cached: $0.50},
}
route chat POST /v1/chat/completions public { read.chat as chat
 ai.chat local }
test "it is priced" {
    given local = chat_reply("Hello.", prompt_tokens=1000, completion_tokens=100)
    send POST /v1/chat/completions json={model: "m", messages: [{role: "user", content: "Hi"}]}
    expect usage.cost == $0.0028
}
test "it follows no schema" {
    send POST /v1/chat/completions json={model: "m", messages: [{role: "user", content: "Hi"}],
        response_format: {type: "json_schema", json_schema: {name: "a", schema: {type: "object"}}}}
    expect status == 400
    expect response.json.error.message == "local cannot do this: Its answers follow no schema."
    expect not called(local)
}
"""


def test_a_local_model_is_priced_and_described_by_its_resource(tmp_path: Path) -> None:
    path = tmp_path / "a.policy"
    path.write_text(LOCAL)
    assert rehearsed(path) == []


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ('inputs = ["smell"]', "`inputs` knows no smell; it knows text, image"),
        ('abilities = ["flying"]', "`abilities` knows no flying"),
        ("price = {input: $1}", "`price` lacks `output`"),
    ],
)
def test_what_cannot_be_said_of_a_model_is_a_finding(tmp_path: Path, said: str, says: str) -> None:
    path = tmp_path / "a.policy"
    path.write_text(
        LOCAL.replace("context = 32000, most_output = 4000,", f"{said},").replace(
            'inputs = ["text", "image"], abilities = ["tools"], price = {input: $2, output: $8, cached: $0.50},', ""
        )
    )
    assert says in "".join(rehearsed(path))


# --- headgate models -------------------------------------------------------------------------------------------------


def run(*args: str, **env: str) -> Result:
    [verb] = Ai().register_commands()
    return CliRunner().invoke(verb, args, env=env)


def test_models_are_listed_a_line_each() -> None:
    listed = run("gpt-4.1", "--provider", "openai", OPENAI_API_KEY="sk")
    assert listed.exit_code == 0
    head, *rows = listed.stdout.splitlines()
    assert head.split() == ["PROVIDER", "MODEL", "WINDOW", "ANSWER", "READS", "IN", "OUT", "KEY"]
    assert rows[0].split() == ["openai", "gpt-4.1", "1.05M", "32.8k", "text", "image", "file", "2", "8", "yes"]
    assert "3 models" in listed.stderr
    for maker in ("openai", "anthropic", "gemini", "mistral"):
        _, *rows = run("--provider", maker).stdout.splitlines()
        assert {row.split()[0] for row in rows} == {maker}, "a line a model, for programs that read lines"


def test_a_terminal_gets_a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Table(box=None)
    for name in ("MODEL", "READS"):
        wide.add_column(name, no_wrap=name == "MODEL")
    wide.add_row("m" * 40, "text image " * 12)
    for terminal, lines in ((True, 4), (False, 2)):
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda terminal=terminal: terminal, raising=False)
        monkeypatch.setattr("sys.stdout", out)
        models_verb._print(wide)
        assert len(out.getvalue().splitlines()) == lines, out.getvalue()


def test_json_is_one_object_a_line_with_all_that_is_known() -> None:
    lines = run("claude-sonnet-4-5", "--provider", "anthropic", "--json", ANTHROPIC_API_KEY="").stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{
        "provider": "anthropic", "model": "claude-sonnet-4-5", "kind": "chat", "context": 200_000, "most_output": 64_000,
        "inputs": ["file", "image", "text"], "outputs": ["text"],
        "abilities": {"tools": True, "reasoning": True, "schema": True},
        "price": {"input": 3.0, "cached": 0.3, "output": 15.0}, "key": "no",
    }]  # fmt: skip


def test_models_can_be_chosen_by_kind_and_key() -> None:
    reranking = [json.loads(line) for line in run("--kind", "rerank", "--json").stdout.splitlines()]
    assert {one["provider"] for one in reranking} == {"cohere"}
    ready = [
        json.loads(line) for line in run("--ready", "--json", XAI_API_KEY="x", OPENAI_API_KEY="").stdout.splitlines()
    ]
    assert {"xai", "echo"} <= {one["provider"] for one in ready}
    assert "openai" not in {one["provider"] for one in ready}


def test_a_mistake_is_told() -> None:
    assert "there is no provider nobody" in run("--provider", "nobody").stderr
    assert "There is no such model" in run("nobodys-model").stderr


def test_the_echo_costs_nothing() -> None:
    echo = find("echo/echo")
    assert echo is not None
    assert echo.prices.cost(Counted(input_tokens=10)) == Money(0)
