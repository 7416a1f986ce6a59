"""Every number that a request gives is checked when it is read, in every dialect: a bill is made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headgate.api import NotStrict
from headgate.api.ai import Chat, Inbound
from headgate_anthropic import Anthropic
from headgate_cohere import Cohere
from headgate_gemini import Gemini
from headgate_openai import OpenAi

TURNS = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "m", "messages": TURNS},
    "openai-responses": {"model": "m", "input": "Hi"},
    "anthropic": {"model": "m", "max_tokens": 5, "messages": TURNS},
    "cohere": {"model": "m", "messages": TURNS},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}
DIALECTS = {
    one.name: one.inbound
    for plugin in (OpenAi, Anthropic, Cohere, Gemini)
    for one in plugin().register_dialects()  # type: ignore[attr-defined]
}
# What the client names, dialect by dialect: counts that have to be at least one, those that may be nothing, numbers.
ANSWERS = [("openai", "n"), ("gemini", "generationConfig.candidateCount"), ("cohere", "num_generations")]
COUNTS = [
    *ANSWERS,
    ("openai", "max_tokens"),
    ("openai", "max_completion_tokens"),
    ("openai-responses", "max_output_tokens"),
    ("cohere", "max_tokens"),
    ("gemini", "generationConfig.maxOutputTokens"),
]
OTHERS = [
    ("openai", "top_logprobs"),
    ("openai", "top_k"),
    ("openai-responses", "top_logprobs"),
    ("anthropic", "max_tokens"),
    ("anthropic", "top_k"),
    ("anthropic", "thinking.budget_tokens"),
    ("cohere", "k"),
    ("cohere", "thinking.token_budget"),
    ("gemini", "generationConfig.logprobs"),
    ("gemini", "generationConfig.thinkingConfig.thinkingBudget"),
]
NUMBERS = [
    ("openai", "presence_penalty"),
    ("cohere", "frequency_penalty"),
    ("gemini", "generationConfig.topK"),
    ("gemini", "generationConfig.presencePenalty"),
]
NONSENSE = ["9", 0.5, True, [1], 10**18, 10**30, -7]


def ask(dialect: str, name: str, value: Any) -> Chat:
    inbound: Inbound | None = DIALECTS[dialect]
    assert inbound is not None
    body = json.loads(json.dumps(BODIES[dialect]))
    *places, last = name.split(".")
    inner = body
    for place in places:
        inner = inner.setdefault(place, {})
    inner[last] = value
    path = "/v1beta/models/m:generateContent" if dialect == "gemini" else ""
    return inbound.read(json.dumps(body).encode(), path, {})


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
@pytest.mark.parametrize(("dialect", "name"), [*COUNTS, *OTHERS])
def test_what_is_no_count_is_refused_by_its_name(dialect: str, name: str, value: Any) -> None:
    with pytest.raises(NotStrict) as caught:
        ask(dialect, name, value)
    if value != 10**30:
        assert caught.value.where == name
        assert "whole number" in caught.value.message


@pytest.mark.parametrize(("dialect", "name"), COUNTS)
def test_none_at_all_is_no_count_of_answers_or_of_their_tokens(dialect: str, name: str) -> None:
    with pytest.raises(NotStrict, match="above 0"):
        ask(dialect, name, 0)
    ask(dialect, name, 1)


@pytest.mark.parametrize(("dialect", "name"), ANSWERS)
def test_nobody_makes_a_thousand_and_one_answers(dialect: str, name: str) -> None:
    with pytest.raises(NotStrict, match="up to 1000"):
        ask(dialect, name, 1001)


@pytest.mark.parametrize("value", ["9", True, [1]], ids=repr)
@pytest.mark.parametrize(("dialect", "name"), NUMBERS)
def test_what_is_no_number_is_refused_by_its_name(dialect: str, name: str, value: Any) -> None:
    with pytest.raises(NotStrict) as caught:
        ask(dialect, name, value)
    assert caught.value.where == name


def test_two_names_of_one_bound_have_to_agree() -> None:
    inbound = DIALECTS["openai"]
    assert inbound is not None
    both = {**BODIES["openai"], "max_tokens": 10, "max_completion_tokens": 10}
    assert inbound.read(json.dumps(both).encode(), "", {}).max_tokens == 10
    with pytest.raises(NotStrict, match="two names of one bound, and differ"):
        inbound.read(json.dumps({**both, "max_tokens": 99_999}).encode(), "", {})


@pytest.mark.parametrize("value", [True, False, 5, None])
def test_probabilities_are_a_switch_or_a_count(value: Any) -> None:
    ask("openai", "logprobs", value)
