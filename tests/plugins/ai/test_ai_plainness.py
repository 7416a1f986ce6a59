"""Chats that are plain words, and chats that are not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from headgate_ai.plainness import _SETTINGS, is_plain
from headgate_ai.providers import providers
from headgate_ai.references import folded, may_refer
from headgate_anthropic.inbound import AnthropicIn
from headgate_openai.chat import OpenAiChat

WORDS = [{"role": "user", "content": "Hello!"}]


def chat(**fields: Any) -> Any:
    body = {"model": "m", "messages": WORDS, **fields}
    return OpenAiChat().read(msgspec.json.encode(body), "/v1/chat/completions", {})


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}, {"max_tokens": 9, "seed": 3},
        {"temperature": 0.5, "top_p": None, "user": "u", "stop": "x"},
        {"messages": [{"role": "system", "content": "file_id and \"id\" and tools"}, *WORDS]},
    ],
)  # fmt: skip
def test_words_and_settings_are_plain(fields: dict[str, Any]) -> None:
    assert is_plain(chat(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": []}, {"container": "c"}, {"prompt": {"id": "p"}}, {"models": ["a"]}, {"metadata": {}}, {"new": 1},
        {"stop": ["x"]}, {"user": {"id": "u"}}, {"stream_options": {"id": "x"}}, {"stream_options": {"include_usage": {"file_id": "f"}}}, {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello!"}]}]},
        {"messages": [{"role": "user", "content": "Hello!", "name": "n"}]},
        {"messages": [*WORDS, {"role": "assistant", "content": None, "audio": {"id": "a"}}]},
        {"messages": [{"role": "assistant", "content": None}]},
    ],
)  # fmt: skip
def test_everything_else_is_looked_at(fields: dict[str, Any]) -> None:
    assert not is_plain(chat(**fields))


def test_a_chat_that_a_line_wrote_into_is_looked_at() -> None:
    one = chat()
    one.messages[0].parts[0].text = "Something else."
    assert not is_plain(one)


def test_other_dialects_have_plain_chats_too() -> None:
    body = {"model": "m", "max_tokens": 5, "system": "Be short.", "messages": WORDS}
    assert is_plain(AnthropicIn().read(msgspec.json.encode(body), "/v1/messages", {}))


def test_nothing_that_a_plain_chat_holds_names_a_model_or_refers_to_something() -> None:
    """What is skipped for a plain chat would have found nothing."""
    names = {folded(name) for name in _SETTINGS | {"messages", "stream_options", "include_usage", "role", "content"}}
    for provider in providers().values():
        assert not names & {folded(name.partition(".")[0]) for name in provider.refuse}, provider.name
    assert not any(may_refer(b'{"%b":"x"}' % name.encode()) for name in names)
