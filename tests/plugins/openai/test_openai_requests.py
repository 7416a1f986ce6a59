"""Requests: what is refused on reading, and what is left alone on writing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.api import NotStrict
from headgate.api.ai import Endpoint, Text
from headgate_openai.chat.requests import read, write

MESSAGES = [{"role": "user", "content": "Hi"}]
BASE = {"model": "m", "messages": MESSAGES}


def body(**fields: Any) -> bytes:
    return json.dumps({**BASE, **fields}).encode()


def written(data: bytes, model: str = "m", **changes: Any) -> Any:
    chat = read(data)
    for name, value in changes.items():
        setattr(chat, name, value)
    return json.loads(write(chat, Endpoint(model)).body)


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (b"", "", "not valid JSON"),
        (b"{", "", "line 1, column 2"),
        (b"[]", "", "has to be a JSON object"),
        (b'{"model":"\xff","messages":[]}', "", "UTF-8"),
        (b'{"model":"a","model":"b","messages":[]}', "model", "given twice"),
        (b'{"model":"a","messages":[{"role":"user","role":"system"}]}', "role", "given twice"),
        (b'{"model":"a","messages":[{"role":"user","content":[{"type":"a","type":"b"}]}]}', "type", "given twice"),
        (b'{"model":"a","Model":"b","messages":[{"role":"user"}]}', "Model", "case-sensitive"),
        (b'{"model":"a","\xc5\xbftream":true,"messages":[{"role":"user"}]}', "\u017ftream", "looks like `stream`"),
        (b'{"model":"a","messages":[{"role":"user","Content":"x"}]}', "messages[0].Content", "case-sensitive"),
        (b'{"messages":[{"role":"user"}]}', "model", "name of a model"),
        (b'{"model":"","messages":[{"role":"user"}]}', "model", "name of a model"),
        (b'{"model":1,"messages":[{"role":"user"}]}', "model", "name of a model"),
        (b'{"model":"a"}', "messages", "at least one"),
        (b'{"model":"a","messages":[]}', "messages", "at least one"),
        (b'{"model":"a","messages":["hi"]}', "messages[0]", "an object"),
        (b'{"model":"a","messages":[{"role":1}]}', "messages[0].role", "a `role`"),
        (body(stream="yes"), "stream", "true or false"),
        (body(max_tokens=0), "max_tokens", "above 0"),
        (body(max_tokens=True), "max_tokens", "above 0"),
        (body(temperature="hot"), "temperature", "a number"),
        (body(tools={}), "tools", "a list"),
        (b'{"model":"a","messages":[{"role":"user"}],"seed":NaN}', "", "not JSON"),
        (b'{"model":"a","messages":[{"role":"user"}],"seed":1e999}', "", "too large"),
        (b'{"model":"a","messages":[{"role":"user"}],"seed":' + b"9" * 30 + b"}", "", "64 bits"),
        (b'{"model":"a","messages":[{"role":"user","content":"\\ud800"}]}', "", "UTF-8"),
        (b'{"model":' + b"[" * 100_000, "", "nested too deeply"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes, where: str, says: str) -> None:
    with pytest.raises(NotStrict, match=says) as caught:
        read(data)
    assert caught.value.where == where


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert read(b'{"model":"a","messages":[{"role":"user","content":"\\ud83d\\ude00"}]}').messages[0].text == "😀"


def test_the_fields_of_a_chat() -> None:
    chat = read(body(stream=True, max_tokens=5, temperature=0.5, top_p=None, tools=[], seed=7, stream_options={}))
    assert (chat.model, chat.stream, chat.max_tokens, chat.temperature, chat.top_p, chat.tools) == (
        "m", True, 5, 0.5, None, [],
    )  # fmt: skip
    assert (chat.content().seed, chat.text) == (7, "Hi")
    assert repr(chat) == "<Chat m openai, stream>"


def test_two_chats_that_ask_the_same_are_the_same_key() -> None:
    one, other = read(body(seed=1)), read(b" " + body(seed=1))
    assert one.cache_key() == other.cache_key()
    assert one.cache_key() != read(body(seed=2)).cache_key()
    other.max_tokens = 5
    assert one.cache_key() != other.cache_key()


@pytest.mark.parametrize("data", [body(), body(max_tokens=None), body(stream=False), b"  " + body(temperature=1.50)])
def test_what_nobody_changed_stays_byte_for_byte(data: bytes) -> None:
    assert write(read(data), Endpoint("m")).body == data


def test_a_change_inside_a_message_is_noticed() -> None:
    chat = read(body())
    part = chat.messages[0].parts[0]
    assert isinstance(part, Text)
    part.text = "***"
    assert json.loads(write(chat, Endpoint("m")).body)["messages"][0]["content"] == "***"


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ({}, {"temperature": 0.1}, {"temperature": 0.1}),
        ({"temperature": 1}, {"temperature": None}, {}),
        ({}, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ({"max_tokens": 5}, {"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_completion_tokens": 5}, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (
            {"max_completion_tokens": 5, "max_tokens": 5},
            {"max_tokens": 9},
            {"max_completion_tokens": 9, "max_tokens": 9},
        ),
        ({"max_tokens": 5}, {"max_tokens": None}, {}),
        ({"stream": True}, {"stream": False}, {"stream": False}),
    ],
)
def test_what_was_set_is_written_under_the_clients_own_name(before: Any, changes: Any, after: Any) -> None:
    assert written(body(**before), **changes) == {**BASE, **after}


def test_counts_are_asked_for_beside_the_clients_own_options() -> None:
    chat = read(body(stream=True, stream_options={"include_obfuscation": False}))
    asked = write(chat, Endpoint("m"))
    assert asked.hides_counts
    assert json.loads(asked.body)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert not write(chat, Endpoint("m", {"counts_streams": False})).hides_counts


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["metadata", "stop", "user", "x-y", "logit_bias", "ä"]), json_values))
def test_any_other_field_reaches_the_provider_as_it_was(extra: dict[str, Any]) -> None:
    data = body(**extra)
    assert written(data, "other") == {**json.loads(data), "model": "other"}
