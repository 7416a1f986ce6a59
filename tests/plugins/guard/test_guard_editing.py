"""Texts that are changed on their way: whole and in pieces they come out the same, and nothing waits without need."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api.ai import (
    Answer,
    ArgumentsDelta,
    Audio,
    AudioDelta,
    Began,
    Choice,
    Citation,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    File,
    Media,
    Message,
    Opaque,
    Opened,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Refused,
    SignatureDelta,
    Stopped,
    Text,
    TextDelta,
    TokenProb,
    ToolCall,
    ToolResult,
)
from headgate_guard.editing import Cut, Edit, EditFilter, changed, edit_message
from headgate_guard.finding import DETECTORS, Finds
from headgate_guard.vault import Names, Vault

ALL = sorted({one.kind for one in DETECTORS})
VALUES = [
    "ana@example.com", "bo.b+c@sub.example.org", "+49 30 1234567", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00",
    "123-45-6789", "(212) 555-0199", "10.0.0.1", "2001:db8::1",
]  # fmt: skip
WORDS = [
    "<EMAIL_1>",
    "<CARD_2>",
    "<EMAIL_",
    "<",
    ">",
    " ",
    ", ",
    "4111",
    "a",
    "@",
    "ü",
    "0",
    "+",
    "-",
    "\n",
    '"',
    "\\",
    "end.",
]
texts = st.lists(st.sampled_from(VALUES + WORDS) | st.text(max_size=4), max_size=12).map("".join)


@st.composite
def cut_texts(draw: Any, whole: Any = texts) -> tuple[str, list[str]]:
    """A text, and the same in pieces."""
    text = draw(whole)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return text, [text[start:stop] for start, stop in zip([0, *places], [*places, len(text)], strict=True)]


def hiding(*kinds: str) -> Edit:
    return Edit(Finds(kinds or ALL), Vault().name, hides=True)


def in_pieces(edit: Edit, pieces: list[str], *, json: bool = False) -> str:
    cut = Cut(edit, json=json)
    return "".join([cut.take(piece) for piece in pieces]) + cut.take("", final=True)


# --- one text --------------------------------------------------------------------------------------------------------


@settings(max_examples=400)
@given(cut_texts())
def test_a_text_in_pieces_is_changed_as_the_whole_is(cut: tuple[str, list[str]]) -> None:
    text, pieces = cut
    whole = changed(hiding(), text)
    assert in_pieces(hiding(), pieces) == whole
    assert in_pieces(hiding(), list(text)) == whole


def redacted(text: str, vault: Vault, *, json: bool = False) -> str:
    changed(Edit(Names(vault), vault.known), text, json=json)
    return changed(Edit(Finds(ALL), vault.keep), text, json=json)


@settings(max_examples=400)
@given(cut_texts())
def test_what_was_named_comes_back_wherever_it_is_cut(cut: tuple[str, list[str]]) -> None:
    text, _ = cut
    vault = Vault()
    named = redacted(text, vault)
    restoring = Edit(vault, vault.restored)
    assert changed(restoring, named) == text
    assert in_pieces(restoring, list(named)) == text


@settings(max_examples=300)
@given(cut_texts(), st.booleans())
def test_a_json_text_stays_one_and_says_the_same(cut: tuple[str, list[str]], ascii: bool) -> None:
    value = {"a": cut[0], "b": [cut[0], 7]}
    text = json.dumps(value, ensure_ascii=ascii).replace("<", "\\u003c")
    vault = Vault()
    named = redacted(text, vault, json=True)
    plain = Vault()
    assert json.loads(named) == {"a": (once := redacted(cut[0], plain)), "b": [once, 7]}
    restoring = Edit(vault, vault.restored)
    assert json.loads(in_pieces(restoring, list(named), json=True)) == value
    assert json.loads(changed(restoring, named, json=True)) == value


@given(cut_texts(texts.map(json.dumps)))
def test_a_json_text_in_pieces_is_changed_as_the_whole_is(cut: tuple[str, list[str]]) -> None:
    text, pieces = cut
    assert in_pieces(hiding(), pieces, json=True) == changed(hiding(), text, json=True)


@given(texts.map(json.dumps))
def test_a_json_text_without_a_find_stays_sign_by_sign(text: str) -> None:
    nothing = Edit(Names(Vault()), Vault().known)
    assert in_pieces(nothing, list(text), json=True) == text


def test_a_number_of_a_card_becomes_a_text_of_the_json() -> None:
    assert changed(hiding("card"), '{"n": 4111111111111111}', json=True) == '{"n": "<CARD_1>"}'


def test_an_escape_before_a_value_is_not_part_of_it() -> None:
    assert changed(hiding("email"), r'{"a": "\nana@example.com"}', json=True) == r'{"a": "\n<EMAIL_1>"}'
    assert changed(hiding("email"), r'{"a": "ana\u0040example.com"}', json=True) == '{"a": "<EMAIL_1>"}'


def test_a_value_that_comes_back_into_a_json_text_is_escaped() -> None:
    vault = Vault()
    vault.keep("email", 'a"b\\c')
    assert changed(Edit(vault, vault.restored), '{"to": "<EMAIL_1>"}', json=True) == r'{"to": "a\"b\\c"}'


@pytest.mark.parametrize(("kinds", "pieces", "outs"), [
    (["email"], ["Write to ", "ana", "@exa", "mple.com", " now"], ["Write to ", "", "", "", "<EMAIL_1> "]),
    (["email"], ["Hello, ", "wor", "ld! ", "How"], ["Hello, ", "", "world! ", ""]),
    (["card"], ["Hello, wor", "ld ", "2024 4111", " apples"], ["Hello, wor", "ld ", "", "2024 4111 apples"]),
    (["card"], ["pay 4111 1111 1111 1111", ", ok"], ["pay ", "<CARD_1>, ok"]),
    (["iban"], ["is d", "e", " z"], ["is ", "", "de z"]),
    (["phone"], ["at 2", "00 apples, +", "49 30 1234567;"], ["at ", "200 apples, ", "<PHONE_1>;"]),
])  # fmt: skip
def test_only_what_may_become_a_find_is_held_back(kinds: list[str], pieces: list[str], outs: list[str]) -> None:
    cut = Cut(hiding(*kinds))
    assert [cut.take(piece) for piece in pieces] == outs


NAMED = st.sampled_from(["<EMAIL_1>", "<PHONE_12>", "<", "<E", "<EMAIL_1", "<b>", "x", "<EMAIL_2>", "<PHONE_", "1"])


@settings(max_examples=300)
@given(st.lists(NAMED, max_size=10).map("".join))
def test_of_an_answer_only_a_beginning_of_a_name_is_held_back_and_never_less_than_the_longest(text: str) -> None:
    vault = Vault()
    vault.values = {"<EMAIL_1>": "ana@example.com", "<PHONE_12>": "+49 30 1234567"}
    beginnings = {name[:length] for name in vault.values for length in range(1, len(name))}
    cut = Cut(Edit(vault, vault.restored))
    for end in range(len(text)):
        cut.take(text[end])
        longest = max((n for n in range(1, min(11, end + 2)) if text[end + 1 - n : end + 1] in beginnings), default=0)
        assert cut.held == longest


@settings(max_examples=200)
@given(texts, st.sampled_from(ALL))
def test_what_is_held_back_is_bounded_and_begins_as_a_find_can(text: str, kind: str) -> None:
    cut = Cut(hiding(kind))
    begins = [one.starts for one in DETECTORS if one.kind == kind]
    for sign in text * 3:
        cut.take(sign)
        assert cut.held <= 64 + 1 + 253
        rest = cut._raw[cut._context :]
        assert not rest or any(starts.match(cut._raw, cut._context) for starts in begins)


def test_what_a_delta_takes_does_not_grow_with_the_stream() -> None:
    cut = Cut(hiding())
    for _ in range(1000):
        cut.take("aaaa.bbbb.1111 ")
        assert len(cut._raw) <= 16


# --- whole answers and streams of them -------------------------------------------------------------------------------


def vaulted() -> Vault:
    vault = Vault()
    vault.keep("email", "ana@example.com")
    vault.keep("phone", "+49 30 1234567")
    return vault


def restoring() -> EditFilter:
    vault = vaulted()
    return EditFilter(Edit(vault, vault.restored), vault.key)


def streamed(one: EditFilter, *happenings: Any) -> list[Any]:
    stream = one.stream()
    return [told for happening in happenings for told in stream.take(happening)]


def test_every_text_of_a_whole_answer_has_its_values_again() -> None:
    name = "<EMAIL_1>"
    answer = Answer([Choice([
        Text(f"To {name}.", citations=[Citation(text=name, start=3, end=12), Citation(start=12, end=13)]),
        Reasoning(name), Refused(name), ToolCall("1", "mail", f'{{"to":"{name}"}}'), Audio(Media(), transcript=name),
        Opaque("openai", {"x": [name]}),
    ])])  # fmt: skip
    restoring().whole(answer)
    value = "ana@example.com"
    text, thought, refused, call, sound, other = answer.choices[0].parts
    assert (text.text, thought.text, refused.text) == (f"To {value}.", value, value)
    assert [(c.start, c.end) for c in text.citations] == [(3, 18), (18, 19)]
    assert text.citations[0].text == value
    assert (call.arguments, sound.transcript, other.value) == (f'{{"to":"{value}"}}', value, {"x": [value]})


KINDS = [
    (Text(""), TextDelta, "text"), (Reasoning(""), ReasoningDelta, "text"), (Refused(""), RefusalDelta, "text"),
    (ToolCall("1", "f"), ArgumentsDelta, "arguments"), (Audio(Media()), None, "transcript"),
]  # fmt: skip


@settings(max_examples=150)
@given(
    cut_texts(st.lists(st.sampled_from(["<EMAIL_1>", "<PHONE_1>", "<EM", " hi ", "<"]), max_size=5).map("".join)),
    st.data(),
)
def test_a_stream_says_what_the_whole_answer_says(cut: tuple[str, list[str]], data: Any) -> None:
    text, pieces = cut
    part, delta, name = data.draw(st.sampled_from(KINDS))
    ending = data.draw(st.sampled_from([Closed(0), Stopped("stop"), Ended(), Failed("it died")]))
    told = streamed(
        restoring(), Began(), Opened(part),
        *[AudioDelta("", piece) if delta is None else delta(piece) for piece in pieces], ending,
    )  # fmt: skip
    whole = msgspec.structs.replace(part, **{name: text})
    restoring().whole(Answer([Choice([whole])]))
    words = [getattr(one, "text", None) or getattr(one, "transcript", "") for one in told[2:-1]]
    assert "".join(words) == (getattr(whole, name) or "")
    assert told[-1] is ending


def test_what_no_find_is_in_goes_on_as_the_same_object() -> None:
    happenings = [
        Began(),
        Opened(Text("")),
        TextDelta("Hello < "),
        TextDelta("there"),
        Closed(),
        Stopped("stop"),
        Ended(),
    ]
    told = streamed(restoring(), *happenings)
    assert all(now is was for now, was in zip(told, happenings, strict=True))


def test_parts_that_are_open_together_do_not_mix() -> None:
    told = streamed(
        restoring(), ArgumentsDelta('{"a":"<EMA', 0), ArgumentsDelta('{"b":"<PHO', 1), ArgumentsDelta('IL_1>"}', 0),
        ArgumentsDelta('NE_1>"}', 1),
    )  # fmt: skip
    said = ["".join(one.text for one in told if one.index == index) for index in (0, 1)]
    assert said == ['{"a":"ana@example.com"}', '{"b":"+49 30 1234567"}']


def test_a_thought_is_whole_before_its_proof() -> None:
    told = streamed(restoring(), ReasoningDelta("so <EM"), SignatureDelta("s"), Closed())
    assert told == [ReasoningDelta("so "), ReasoningDelta("<EM"), SignatureDelta("s"), Closed()]


def test_a_citation_points_to_where_its_words_are_now() -> None:
    told = streamed(restoring(), TextDelta("<EMAIL_1> says"), CitationDelta(Citation(start=10, end=14)))
    assert told[1] == CitationDelta(Citation(start=16, end=20))


def test_probabilities_come_with_the_words_that_are_put_back_and_go_with_those_that_are_hidden() -> None:
    probs = [[TokenProb("<EMA", -1.0)], [TokenProb("IL_1>", -2.0)]]
    told = streamed(restoring(), TextDelta("<EMA", logprobs=probs[0]), TextDelta("IL_1>", logprobs=probs[1]))
    assert told == [TextDelta("ana@example.com", logprobs=[*probs[0], *probs[1]])]
    secret = [TokenProb("ana@example.com", -1.0)]
    told = streamed(EditFilter(hiding()), TextDelta("ana@example.com ", logprobs=secret))
    assert told == [TextDelta("<EMAIL_1> ")]
    answer = Answer([Choice([Text("ana@example.com")], logprobs=secret)])
    EditFilter(hiding()).whole(answer)
    assert answer.choices[0].logprobs is None


# --- messages --------------------------------------------------------------------------------------------------------


def test_every_text_of_a_message_is_changed() -> None:
    mail = "ana@example.com"
    data = base64.b64encode(f"Dear {mail}".encode()).decode()
    message = Message("user", [
        Text(mail, extra={"title": mail}), Refused(mail), Reasoning(mail), ToolCall("1", "f", json.dumps({"to": mail})),
        ToolResult("1", [Text(mail)]), File(Media("text/plain", data=data, name=f"{mail}.txt"), title=mail, context=mail),
        Audio(Media(), transcript=mail), Opaque("openai", {"deep": [{"er": mail}]}),
    ], name=mail, extra={"note": mail})  # fmt: skip
    edit = hiding()
    edit_message(message, edit, edit)
    said = msgspec.json.encode(message).decode()
    assert mail not in said
    assert said.count("<EMAIL_1>") == 12
    media = message.parts[5].media
    assert base64.b64decode(media.data) == b"Dear <EMAIL_1>"


def test_what_came_is_not_changed_in_place() -> None:
    raw = {"deep": "ana@example.com"}
    message = Message("user", [Opaque("openai", raw)])
    edit_message(message, hiding(), hiding())
    assert raw == {"deep": "ana@example.com"}
    assert message.parts[0].value == {"deep": "<EMAIL_1>"}


def test_a_signed_thought_changes_only_where_it_has_a_value_that_is_known() -> None:
    vault = Vault()
    edit = Edit(Finds(ALL), vault.keep)
    thought = Reasoning("ana@example.com or bo@example.org", signature="s")
    for message in (Message("user", [Text("ana@example.com")]), Message("assistant", [thought])):
        edit_message(message, edit, Edit(Finds(ALL), vault.known))
    assert thought.text == "<EMAIL_1> or bo@example.org"
