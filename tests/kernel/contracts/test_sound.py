"""What a reader makes is looked at: its types, its order, and whether anybody can tell it."""

from __future__ import annotations

from typing import Any

import pytest

from headgate.api import ClientFault, NotStrict
from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Began,
    Chat,
    Choice,
    Citation,
    CitationDelta,
    Closed,
    Content,
    Counted,
    Ended,
    Failed,
    Garbled,
    Message,
    Opaque,
    Opened,
    Pinged,
    Reasoning,
    SignatureDelta,
    SoundStream,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    Used,
    sound_answer,
    sound_count,
)

wrong: Any = {}
BEGUN = [Began("c"), Opened(Text("")), TextDelta("a")]


def passes(*events: list[Any]) -> list[Any]:
    stream = SoundStream()
    return [one for event in events for one in stream.read(lambda said: said, event)]


def test_what_is_well_formed_passes_as_it_is() -> None:
    told = [*BEGUN, CitationDelta(Citation("x")), Closed(0), Opened(ToolCall("i", "n"), 1), ArgumentsDelta("{}", 1),
            Closed(1), Stopped("stop"), Used(Counted()), Ended()]  # fmt: skip
    assert passes(told) == told
    assert passes(*([one] for one in told)) == told


def test_a_stream_has_begun_with_the_first_thing_that_it_says() -> None:
    assert passes([Pinged()], [], [Opened(Text(""))], [TextDelta("a")]) == [
        Pinged(), Began(), Opened(Text("")), TextDelta("a")
    ]  # fmt: skip
    assert passes([Failed("no")]) == [Failed("no")]


@pytest.mark.parametrize(
    "event",
    [
        [TextDelta("a", 1)], [TextDelta("a", 0, 1)], [Closed(1)], [Opened(Text(""), 2)], [ArgumentsDelta("a")],
        [SignatureDelta("a")], [Stopped("stop")], [Ended()], [Closed(0), TextDelta("a")],
        [Closed(0), Stopped("stop"), Stopped("stop")], [Closed(0), Stopped("stop"), Opened(Text(""), 1)],
    ],
)  # fmt: skip
def test_what_is_out_of_order_is_garbled(event: list[Any]) -> None:
    with pytest.raises(Garbled, match="out of order"):
        passes(BEGUN, event)


@pytest.mark.parametrize(
    "event",
    [
        [TextDelta(wrong)], [Opened(Reasoning(signature=wrong), 1)], [Used(Counted(input_tokens=wrong))],
        [Failed(wrong)], [CitationDelta(Citation(wrong))], [Opened(Opaque("x", {"a": object()}), 1)],
        [Closed(0), Stopped("stop", 0, wrong)], [TextDelta("a", logprobs=[wrong])],
    ],
)  # fmt: skip
def test_what_is_of_another_type_or_cannot_be_told_is_garbled(event: list[Any]) -> None:
    with pytest.raises(Garbled, match="not of the type"):
        passes(BEGUN, event)


def stumbles(data: Any) -> Any:
    return data["no such field"].text


def test_what_a_reader_stumbles_over_is_garbled_and_what_it_calls_so_keeps_its_words() -> None:
    for read in (SoundStream().read, sound_answer, sound_count):
        told: Any = read
        args = (stumbles, b"{}")
        with pytest.raises(Garbled, match="not of the type"):
            told(*args)

    def garbled(data: bytes) -> Answer:
        raise Garbled("with words")

    with pytest.raises(Garbled, match="with words"):
        sound_answer(garbled, b"")


def test_a_whole_answer_is_looked_at_too() -> None:
    good = Answer([Choice([Text("a")])])
    assert sound_answer(lambda data: good, b"") is good
    with pytest.raises(Garbled):
        sound_answer(lambda data: Answer([Choice([Text(wrong)])]), b"")
    with pytest.raises(Garbled):
        sound_count(lambda data: Counted(output_tokens=wrong), b"")


def parsing(made: Any) -> Chat:
    chat = Chat("m")
    chat.came_as("x", b"{}", {}, made)
    return chat


def test_the_content_of_a_chat_that_is_ill_typed_is_the_clients_fault_with_its_place() -> None:
    with pytest.raises(ClientFault, match="has to be a text, and is an object") as caught:
        parsing(lambda raw: Content([Message("user", [Text(wrong)])])).content()
    assert caught.value.record == {"where": "messages[0].parts[0].text"}


def test_content_over_which_a_dialect_stumbles_is_the_clients_fault() -> None:
    with pytest.raises(ClientFault, match="not as its API has it"):
        parsing(stumbles).content()

    def strict(raw: dict[str, Any]) -> Content:
        raise NotStrict("`a` has to be b.", "a")

    with pytest.raises(ClientFault, match=r"`a` has to be b\."):
        parsing(strict).content()
