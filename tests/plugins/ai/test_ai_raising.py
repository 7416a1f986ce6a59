"""Inside a budget goes nothing that may raise the bill unseen; what is known to be harmless does. Through the real readers."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.api import Bound, ClientFault, Money
from headgate.api.ai import Endpoint, Speaks
from headgate_ai.bounds import Limits, bound_of
from headgate_ai.prices import Free, given
from headgate_ai.questions import Question
from headgate_ai.raising import Wire
from headgate_anthropic import Anthropic
from headgate_bedrock import Bedrock
from headgate_cohere import Cohere
from headgate_gemini import Gemini
from headgate_mistral import Mistral
from headgate_openai import OpenAi

PRICES = given({"input": Money(10**9), "output": Money(2 * 10**9)})
TURNS = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "m", "max_tokens": 5, "messages": TURNS},
    "openai-responses": {"model": "m", "max_output_tokens": 5, "input": "Hi"},
    "anthropic": {"model": "m", "max_tokens": 5, "messages": TURNS},
    "cohere": {"model": "m", "max_tokens": 5, "messages": TURNS},
    "mistral": {"model": "m", "max_tokens": 5, "messages": TURNS},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 5}},
}


def dialects() -> dict[str, Speaks]:
    plugins = (OpenAi, Anthropic, Cohere, Gemini, Mistral, Bedrock)
    known = {one.name: one for plugin in plugins for one in plugin().register_dialects()}  # type: ignore[attr-defined]
    return {name: one.standing(known) for name, one in known.items()}


DIALECTS = dialects()


def bound(
    dialect: str,
    more: dict[str, Any],
    *,
    at: str | None = None,
    window: int | None = None,
    outputs: Any = None,
    thinks: bool = False,
    options: Any = None,
) -> Bound:
    """What `ai.chat` reserves for a body of a dialect, with these fields over it, at a model that speaks `at`."""
    inbound = DIALECTS[dialect].inbound
    assert inbound is not None
    body = {**BODIES[dialect], **more}
    for name, value in more.items():
        if name == "generationConfig":
            body[name] = {**BODIES[dialect][name], **value}
    chat = inbound.read(json.dumps(body).encode(), "/v1beta/models/m:generateContent", {})
    node = SimpleNamespace(dialects=DIALECTS)
    model = SimpleNamespace(
        dialect=DIALECTS[at or dialect].outbound, label="p/m", prices=PRICES, context=window, most_output=None,
        outputs=outputs, abilities={"reasoning": thinks}, provider=SimpleNamespace(thinks_beside=thinks),
        endpoint=Endpoint("m", options or {}),
    )  # fmt: skip
    question = Question(SimpleNamespace(node=node), chat, None)  # type: ignore[arg-type]
    return question.bound(model, None)  # type: ignore[arg-type]


RAISING: list[tuple[str, str, Any]] = [
    ("openai", "prediction", {"type": "content", "content": "x"}),
    ("openai", "web_search_options", {}),
    ("openai", "web_search_options", {"search_context_size": "high"}),
    ("openai", "service_tier", "priority"),
    ("openai", "service_tier", "fast"),
    ("openai", "service_tier", "scale"),
    ("openai", "service_tier", "one that is new"),
    ("openai", "modalities", ["text", "audio"]),
    ("openai", "moderation", {"model": "m"}),
    ("openai", "plugins", [{"id": "web"}]),
    ("openai", "provider", {"order": ["x"]}),
    ("openai", "search_parameters", {"mode": "on"}),
    ("openai", "a_field_of_next_year", 1),
    ("openai-responses", "conversation", "conv_1"),
    ("openai-responses", "prompt", {"id": "pmpt_1"}),
    ("openai-responses", "service_tier", "priority"),
    ("openai-responses", "context_management", [{"type": "compaction"}]),
    ("openai-responses", "reasoning", {"effort": "low", "mode": "pro"}),
    ("anthropic", "container", "c_1"),
    ("anthropic", "mcp_servers", [{"type": "url", "url": "https://x.example"}]),
    ("anthropic", "speed", "fast"),
    ("anthropic", "inference_geo", "us"),
    ("anthropic", "service_tier", "priority"),
    ("anthropic", "anthropic_beta", ["context-1m-2025-08-07"]),
    ("anthropic", "betas", ["fast-mode-2026-02-01"]),
    ("anthropic", "fallbacks", [{"model": "claude-opus"}]),
    ("anthropic", "output_config", {"effort": "low", "task_budget": {"total": 9}}),
    ("anthropic", "thinking", {"type": "adaptive", "new": 1}),
    ("gemini", "cachedContent", "cachedContents/1"),
    ("gemini", "cached_content", "cachedContents/1"),
    ("gemini", "serviceTier", "priority"),
    ("gemini", "modelArmorConfig", {}),
    ("gemini", "generationConfig", {"responseModalities": ["IMAGE"]}),
    ("gemini", "generationConfig", {"routingConfig": {"autoMode": {}}}),
    ("gemini", "toolConfig", {"includeServerSideToolInvocations": True}),
    ("cohere", "connectors", [{"id": "web-search"}]),
    ("cohere", "num_generations", 5),
    ("mistral", "prediction", {"type": "content", "content": "x"}),
    ("mistral", "guardrails", [{}]),
]


@pytest.mark.parametrize(("dialect", "name", "value"), RAISING)
def test_what_may_raise_the_bill_has_no_bound_and_the_refusal_names_it(dialect: str, name: str, value: Any) -> None:
    refused = bound(dialect, {name: value})
    assert refused.cost is None
    assert refused.unbounded is not None
    first = {"cached_content": "cachedContent", "serviceTier": "service_tier", "output_config": "output_config`"}
    inner = {"reasoning": "mode", "thinking": "thinking.new"}
    if name == "generationConfig":
        assert "routingConfig" in refused.unbounded or "modalities" in refused.unbounded
    elif name == "toolConfig":
        assert "`toolConfig.includeServerSideToolInvocations`" in refused.unbounded
    else:
        assert f"`{first.get(name, inner.get(name, name))}" in refused.unbounded
    assert "leave it out" in refused.unbounded
    assert "assume" in refused.unbounded


HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("openai", {"user": "u", "metadata": {"a": "b"}, "store": True, "seed": 5, "logit_bias": {"1": 2}, "verbosity": "low"}),
    ("openai", {"service_tier": "auto", "stream": True, "stream_options": {"include_usage": True}, "stop": ["x"]}),
    ("openai", {"service_tier": "flex", "modalities": ["text"], "reasoning_effort": "low", "safety_identifier": "x"}),
    ("openai", {"prompt_cache_key": "k", "prompt_cache_retention": "24h", "n": 2, "logprobs": True, "top_logprobs": 2}),
    ("openai-responses", {"reasoning": {"effort": "low", "summary": "auto"}, "include": [], "truncation": "auto"}),
    ("openai-responses", {"text": {"verbosity": "low"}, "store": False, "max_tool_calls": 3, "background": False}),
    ("anthropic", {"metadata": {"user_id": "u", "x": 1}, "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    ("anthropic", {"speed": "standard", "service_tier": "standard_only", "output_config": {"effort": "max"}}),
    ("anthropic", {"service_tier": "auto", "thinking": {"type": "enabled", "budget_tokens": 2, "display": "omitted"}}),
    ("anthropic", {"tool_choice": {"type": "auto"}, "system": "Be brief.", "stop_sequences": ["x"], "top_k": 3}),
    ("gemini", {"safetySettings": [{}], "labels": {"a": "b"}, "store": True, "serviceTier": "flex"}),
    ("gemini", {"generationConfig": {"topK": 4, "thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True}}}),
    ("gemini", {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}),
    ("cohere", {"safety_mode": "OFF", "strict_tools": True, "citation_options": {"mode": "FAST"}, "priority": 3}),
    ("cohere", {"thinking": {"type": "enabled", "token_budget": 100}, "k": 5, "documents": ["A text."]}),
    ("mistral", {"safe_prompt": True, "random_seed": 5, "prompt_mode": "reasoning", "n": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "more"), HARMLESS)
def test_what_is_known_to_be_harmless_passes(dialect: str, more: dict[str, Any]) -> None:
    asked = bound(dialect, more)
    assert asked.unbounded is None
    assert asked.cost is not None


def test_what_only_another_dialect_has_is_left_out_and_costs_nothing() -> None:
    assert bound("openai", {"web_search_options": {}}, at="anthropic").cost is not None
    assert bound("anthropic", {"mcp_servers": [{}]}, at="openai").cost is not None


def test_what_passes_to_a_dialect_that_stands_on_the_clients_is_judged() -> None:
    assert "`prediction`" in str(bound("openai", {"prediction": {"content": "x"}}, at="mistral").unbounded)
    assert bound("openai", {"logit_bias": {}}, at="mistral").cost is not None


@pytest.mark.parametrize("at", ["bedrock", "openai-responses", "anthropic"])
def test_a_dearer_tier_is_one_in_every_dialect(at: str) -> None:
    assert "`service_tier`" in str(bound("openai", {"service_tier": "priority"}, at=at).unbounded)
    assert bound("openai", {"service_tier": "default"}, at=at).cost is not None


def test_a_model_that_draws_unasked_has_no_bound() -> None:
    draws = frozenset({"text", "image"})
    assert "a picture or a sound that it makes" in str(bound("gemini", {}, outputs=draws).unbounded)
    words = {"generationConfig": {"responseModalities": ["TEXT"]}}
    assert bound("gemini", words, outputs=draws).cost is not None


SERVED: list[tuple[str, dict[str, Any]]] = [
    ("anthropic", {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}),
    ("anthropic", {"type": "code_execution_20250825", "name": "code_execution"}),
    ("gemini", {"googleSearch": {}}),
    ("gemini", {"google_search": {}}),
    ("gemini", {"type": "custom", "googleSearch": {}}),
    ("gemini", {"functionDeclarations": [{"name": "f"}], "urlContext": {}}),
    ("openai-responses", {"type": "file_search", "vector_store_ids": ["v"]}),
    ("openai-responses", {"type": "web_search", "max_uses": 1}),
    ("openai-responses", {"type": "image_generation"}),
    ("openai", {"type": "browser_search"}),
    ("mistral", {"type": "web_search"}),
    ("cohere", {"type": "web_search", "function": {"name": "f", "parameters": {}}}),
]


@pytest.mark.parametrize(("dialect", "tool"), SERVED)
def test_a_tool_that_the_provider_runs_has_no_bound(dialect: str, tool: dict[str, Any]) -> None:
    assert "run by the provider" in str(bound(dialect, {"tools": [tool]}).unbounded)


def test_a_tool_of_the_clients_own_has_one() -> None:
    assert bound("openai", {"tools": [{"type": "custom", "custom": {"name": "c"}}]}).cost is not None
    assert bound("anthropic", {"tools": [{"type": "custom", "name": "c", "input_schema": {}}]}).cost is not None


@pytest.mark.parametrize("option", ["performance_config", "guardrail_config"])
def test_an_option_that_raises_the_bill_leaves_no_bound(option: str) -> None:
    assert f"`{option}`" in str(bound("openai", {}, at="bedrock", options={option: {}}).unbounded)
    assert bound("openai", {}, at="bedrock", options={"region": "x"}).cost is not None


def test_thoughts_beside_the_answer_are_in_the_bound() -> None:
    plain, thinking = (bound("openai", {}, window=9000, thinks=thinks).tokens for thinks in (False, True))
    assert plain is not None
    assert thinking == plain + 9000
    assert bound("openai", {"reasoning_effort": "none"}, window=9000, thinks=True).tokens is not None
    assert "what the model thinks" in str(bound("openai", {}, thinks=True).unbounded)


# --- pictures, sounds, documents -------------------------------------------------------------------------------------


def shown(part: dict[str, Any], window: int | None = None) -> Bound:
    return bound("openai", {"messages": [{"role": "user", "content": [part]}]}, window=window)


def sound(data: bytes | str, form: str) -> dict[str, Any]:
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {"type": "input_audio", "input_audio": {"data": text, "format": form}}


def wave(rate: int = 16_000, form: int = 1, bits: int = 16, size: int = 1000) -> bytes:
    small, large = (lambda n: n.to_bytes(2, "little")), (lambda n: n.to_bytes(4, "little"))
    head = b"RIFF" + large(36 + size) + b"WAVEfmt " + large(16) + small(form) + small(1) + large(rate)
    return head + large(rate * bits // 8) + small(bits // 8) + small(bits) + b"data" + large(size) + bytes(size)


MP3 = bytes([0xFF, 0xFB, 0x90, 0x64]) + bytes(1000)
TAGGED = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + MP3


@pytest.mark.parametrize("part", [sound(wave(), "wav"), sound(MP3, "mp3"), sound(TAGGED, "mp3")])
def test_a_sound_that_has_a_least_rate_is_bounded_by_its_bytes(part: dict[str, Any]) -> None:
    tokens = shown(part).tokens
    assert tokens is not None
    assert 100 < tokens < 1000


THIN = [
    sound(wave(rate=1), "wav"),
    sound(wave(form=85), "wav"),
    sound(b"OggS" + bytes(100), "mp3"),
    sound(b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + b"fLaC" + bytes(50), "mp3"),
    sound(wave(), "flac"),
    sound("no base64 at all!", "wav"),
    sound("A", "mp3"),
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0x", "filename": "a.pdf"}},
    {"type": "file", "file": {"file_data": "data:text/plain;base64,JVBERi0x", "filename": "a.txt"}},
    {"type": "image_url", "image_url": {"url": "data:video/mp4;base64,AAAA"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,JVBERi0x"}},
]


@pytest.mark.parametrize("part", THIN)
def test_what_may_be_of_any_length_is_as_long_as_the_window(part: dict[str, Any]) -> None:
    assert "may be of any length" in str(shown(part).unbounded)
    assert shown(part, window=100_000).tokens == 100_000 + 5


@pytest.mark.parametrize("data", ["A", "AB=", "$$$$", "A" * 4001, "====", "\u00e4"])
@pytest.mark.parametrize("mime", ["text/plain", "application/pdf", "image/png", "audio/wav"])
def test_what_is_no_base64_has_a_size_all_the_same(data: str, mime: str) -> None:
    part = {"inlineData": {"mimeType": mime, "data": data}}
    asked = bound("gemini", {"contents": [{"role": "user", "parts": [part]}]}, window=50_000)
    assert asked.cost is not None


def test_pictures_are_billed_beside_the_window() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    asked = bound("openai", {"messages": [{"role": "user", "content": [picture] * 4}]}, window=1000)
    assert asked.tokens is not None
    assert asked.tokens >= 4 * 48_169


@pytest.mark.parametrize("place", ["image", "file"])
def test_what_stands_at_two_places_is_refused(place: str) -> None:
    part = {"type": f"input_{place}", "file_id": "f", "file_data": "AAAA", "image_url": "https://x.example"}
    with pytest.raises(Exception, match="not both"):
        bound("openai-responses", {"input": [{"role": "user", "content": [part]}]})


def test_words_in_fields_that_nobody_knows_are_counted() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "a", "x": "y" * 5000}], "z": "w" * 5000}
    asked = bound("openai", {"messages": [message]}).tokens
    assert asked is not None
    assert asked > 10_000


def test_what_costs_nothing_is_not_judged() -> None:
    inbound = DIALECTS["openai"].inbound
    assert inbound is not None
    chat = inbound.read(json.dumps({**BODIES["openai"], "plugins": []}).encode(), "", {})
    assert bound_of(chat, "p/m", Free(), Limits(None, None), Wire(), None).cost == 0


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("openai", {"modalities": 1}),
    ("openai", {"modalities": [1]}),
    ("openai", {"service_tier": ["flex"]}),
    ("openai", {"metadata": 1}),
    ("openai", {"user": {}}),
    ("openai", {"store": "yes"}),
    ("openai", {"parallel_tool_calls": 1}),
    ("openai", {"audio": []}),
    ("openai", {"messages": [{"role": "user", "content": "Hi", "name": 5}]}),
    ("openai-responses", {"metadata": "x"}),
    ("anthropic", {"service_tier": {}}),
    ("gemini", {"serviceTier": 5}),
]


@pytest.mark.parametrize(("dialect", "more"), WRONG)
def test_a_field_of_another_type_is_the_clients_fault(dialect: str, more: dict[str, Any]) -> None:
    with pytest.raises(ClientFault, match="has to be"):
        bound(dialect, more)
