"""The last chunk of a stream as Mistral's clients know it: a choice that stops, and the counts with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headgate.api import EventSplitter, parse_event
from headgate.api.ai import Began, Chat, Closed, Content, Counted, Ended, Failed, Opened, Stopped, Text, TextDelta, Used
from headgate_mistral.inbound import MistralIn
from headgate_openai import OpenAi

CLIENTS = next(one for one in OpenAi().register_dialects() if one.name == "openai").inbound
HI = [Began("c"), Opened(Text(text=""), 0), TextDelta("Hi", 0), Closed(0)]


def written(*happenings: Any) -> tuple[list[Any], list[list[Any]]]:
    """What is told, and what was told with each happening."""
    writer = MistralIn(CLIENTS).writer(Chat.made("m", Content([])), 1.0)  # type: ignore[arg-type]
    told = [writer.write(one) for one in happenings]
    return _chunks(b"".join(told)), [_chunks(one) for one in told]


def _chunks(data: bytes) -> list[Any]:
    events = [parse_event(block) for block in EventSplitter().feed(data)]
    return [json.loads(one.data) for one in events if one is not None and one.data != b"[DONE]"]


def test_the_counts_are_in_the_chunk_that_stops_and_every_chunk_has_a_choice() -> None:
    said, _ = written(*HI, Stopped("stop"), Used(Counted(input_tokens=3, output_tokens=2)), Ended())
    assert all(chunk.get("choices") for chunk in said)
    assert said[-1]["choices"][0]["finish_reason"] == "stop"
    assert (said[-1]["usage"]["prompt_tokens"], said[-1]["usage"]["completion_tokens"]) == (3, 2)


def test_of_two_choices_the_last_has_the_counts_and_neither_is_lost() -> None:
    two = [Opened(Text(text="a"), 0, 1), Closed(0, 1), Stopped("length", 1)]
    said, _ = written(*HI, Stopped("stop"), *two, Used(Counted(input_tokens=3)), Ended())
    stops = [chunk["choices"][0]["finish_reason"] for chunk in said if chunk["choices"][0]["finish_reason"]]
    assert stops == ["stop", "length"]
    assert said[-1]["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize("last", [Ended(), Failed("It broke.", {})])
def test_without_counts_the_chunk_that_stops_goes_out_before_what_comes_behind(last: Any) -> None:
    said, told = written(*HI, Stopped("stop"), last)
    assert said[len(told[0]) + sum(map(len, told[1:4]))]["choices"][0]["finish_reason"] == "stop"


def test_words_go_out_as_they_come() -> None:
    _, told = written(*HI)
    assert told[2][0]["choices"][0]["delta"]["content"] == "Hi"
