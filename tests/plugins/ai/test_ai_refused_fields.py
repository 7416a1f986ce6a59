"""What a client writes never chooses another model than the one that the policy named."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.api.ai import Endpoint, Speaks, Unsupported, Written
from headgate_ai.providers import providers
from headgate_ai.questions import Question
from headgate_anthropic import Anthropic
from headgate_cohere import Cohere
from headgate_gemini import Gemini
from headgate_mistral import Mistral
from headgate_openai import OpenAi

PLUGINS = (OpenAi, Anthropic, Cohere, Gemini, Mistral)
KNOWN: dict[str, Speaks] = {one.name: one for plugin in PLUGINS for one in plugin().register_dialects()}  # type: ignore[attr-defined]
DIALECTS = {name: one.standing(KNOWN) for name, one in KNOWN.items()}
TURNS = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "asked", "messages": TURNS},
    "openai-responses": {"model": "asked", "input": "Hi"},
    "anthropic": {"model": "asked", "max_tokens": 5, "messages": TURNS},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "cohere": {"model": "asked", "messages": TURNS},
    "mistral": {"model": "asked", "messages": TURNS},
}


def written(
    row: str, body: dict[str, Any] | bytes, came: str | None = None, at: str | None = None, **set_: Any
) -> Written:
    """What a row's provider is sent, for a client of its own dialect or of another."""
    provider = providers()[row]
    name = at or provider.dialect
    inbound, outbound = DIALECTS[came or name].inbound, DIALECTS[name].outbound
    assert inbound is not None
    chat = inbound.read(
        body if isinstance(body, bytes) else json.dumps(body).encode(), "/v1beta/models/asked:generateContent", {}
    )
    for field, value in set_.items():
        setattr(chat, field, value)
    question = Question(SimpleNamespace(node=SimpleNamespace(dialects=DIALECTS)), chat, None)  # type: ignore[arg-type]
    model = SimpleNamespace(
        dialect=outbound, name="ours", endpoint=Endpoint("ours", provider.options), provider=provider
    )
    return question.write(model, None)  # type: ignore[arg-type]


ROWS = [(row.name, field) for row in providers().values() for field in row.refuse]


def with_field(dialect: str, field: str, value: Any) -> dict[str, Any]:
    *above, last = field.split(".")
    body = json.loads(json.dumps(BODIES[dialect]))
    inner = body
    for place in above:
        inner = inner.setdefault(place, {})
    inner[last] = value
    return dict(body)


@pytest.mark.parametrize(("row", "field"), ROWS)
@pytest.mark.parametrize("value", ["dear", ["dear"], {"model": "dear"}], ids=repr)
def test_a_field_that_chooses_the_model_is_left_out_and_named(row: str, field: str, value: Any) -> None:
    sent = written(row, with_field(providers()[row].dialect, field, value))
    assert b"dear" not in sent.body
    assert list(sent.dropped) == [field]


@pytest.mark.parametrize(("row", "field"), ROWS)
def test_neither_another_case_nor_a_change_by_the_policy_brings_it_through(row: str, field: str) -> None:
    dialect = providers()[row].dialect
    for name in {field, field.replace("Config", "_config"), field.upper() if "." not in field else field}:
        sent = written(row, with_field(dialect, name, ["dear"]), temperature=0.5)
        assert b"dear" not in sent.body
        assert json.loads(sent.body).get("model", "ours") == "ours"


def test_the_rest_keeps_its_bytes() -> None:
    body = (
        b'{"model":"ours","messages":[ {"role":"user","content":"\\u00e4"} ],"max_tokens":5,"models":["dear"],"x":1e2}'
    )
    sent = written("openrouter", body)
    assert sent.body == body.replace(b',"models":["dear"]', b"")


@pytest.mark.parametrize("row", [row for row in providers() if providers()[row].dialect in BODIES])
def test_the_model_is_the_resources_whatever_the_client_wrote(row: str) -> None:
    dialect = providers()[row].dialect
    for came in BODIES:
        sent = written(row, {**BODIES[came], "x_new": {"model": "inner"}}, came, dialect)
        body = json.loads(sent.body)
        assert "asked" not in body.values()
        assert body.get("model") == "ours" if dialect != "gemini" else b"/models/ours:" in sent.path


def test_the_row_holds_in_every_dialect_that_the_provider_speaks() -> None:
    for dialect in ("anthropic", "openai-responses"):
        sent = written("openrouter", {**BODIES[dialect], "models": ["dear"], "provider": {}}, dialect, dialect)
        assert list(sent.dropped) == ["models", "provider"]
        assert b"dear" not in sent.body


TOOLS: list[tuple[str, dict[str, Any]]] = [
    ("anthropic", {"type": "advisor_20260301", "name": "advisor", "model": "dear"}),
    ("openai-responses", {"type": "image_generation", "model": "dear"}),
    ("openai", {"type": "openrouter:advisor", "parameters": {"model": "dear"}}),
    ("openai", {"type": "openrouter:fusion", "parameters": {"models": ["dear"]}}),
]


@pytest.mark.parametrize(("dialect", "tool"), TOOLS)
def test_a_tool_that_asks_another_model_is_refused(dialect: str, tool: dict[str, Any]) -> None:
    row = {"anthropic": "anthropic"}.get(dialect, "openrouter")
    with pytest.raises(Unsupported, match="another model, `dear`"):
        written(row, {**BODIES[dialect], "tools": [tool]}, dialect, dialect)
    text = json.dumps(tool).replace("dear", "ours")
    assert b"ours" in written(row, {**BODIES[dialect], "tools": [json.loads(text)]}, dialect, dialect).body


def test_a_function_may_have_a_model_among_its_arguments() -> None:
    schema = {"type": "object", "properties": {"model": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert b"properties" in written("openrouter", {**BODIES["openai"], "tools": [tool]}).body
    own = {"name": "f", "input_schema": schema}
    assert b"properties" in written("anthropic", {**BODIES["anthropic"], "tools": [own]}).body
