"""What clients send reaches every provider, and what models say reaches every client: whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from matrix.asks import IMAGE_URL, PDF, PNG, Ask, Results, User
from pairs import Pair, each

from headgate.testing.providers import Call, Json, Says, Thought, Tokens

CITY = {
    "type": "object",
    "properties": {"city_of_birth": {"type": "string"}},
    "required": ["city_of_birth"],
    "additionalProperties": False,
}
TOOLS = {"weather": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
OSLO, ROME = Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"})
WAYS = pytest.mark.parametrize("way", ["whole", "stream"])


@each("text")
def test_a_model_answers_a_client(pair: Pair) -> None:
    pair.sim.says(Says("Hello, all of you ä€😀", tokens=Tokens(11, 7)))
    heard = pair.client.whole(Ask())
    assert heard.text == "Hello, all of you ä€😀"
    assert (heard.input, heard.output) == (11, 7)
    assert heard.stop == pair.client.stops["stop"]
    assert (pair.row()["input_tokens"], pair.row()["output_tokens"]) == (11, 7)


@each("streaming")
def test_a_model_streams_to_a_client(pair: Pair) -> None:
    pair.sim.says(Says("Hello, all of you ä€😀", tokens=Tokens(11, 7)))
    heard = pair.client.stream(Ask())
    assert heard.text == "Hello, all of you ä€😀"
    assert heard.pieces > 2
    assert (heard.input, heard.output) == (11, 7)
    assert heard.stop == pair.client.stops["stop"]
    assert (pair.row()["input_tokens"], pair.row()["output_tokens"]) == (11, 7)


@each("system")
def test_what_the_system_says_is_the_systems_at_the_provider(pair: Pair) -> None:
    pair.sim.says(Says("Yes."))
    assert pair.client.whole(Ask(system="Be brief.")).text == "Yes."
    assert "Be brief." in pair.upstream.system(pair.body)


@WAYS
@each("tools")
def test_a_tool_is_called_and_its_result_is_answered(pair: Pair, way: str) -> None:
    pair.sim.says(Says((Thought("Hm."), OSLO)), Says("It rains."))
    first = pair.ask(way, Ask(tools=TOOLS, system="Be brief."))
    assert [(call.name, call.arguments) for call in first.calls] == [("weather", {"city": "Oslo"})]
    assert first.stop == pair.client.stops["tools"]
    turns = (User("Hi"), first, Results(first, ("wet in Oslo",)))
    last = pair.ask(way, Ask(turns, tools=TOOLS, system="Be brief."))
    assert last.text == "It rains."
    assert b"wet in Oslo" in pair.raw
    assert b"Oslo" in pair.raw.replace(b"wet in Oslo", b"")


@WAYS
@each("several tools at once")
def test_two_tools_are_called_at_once_and_both_results_find_their_call(pair: Pair, way: str) -> None:
    pair.sim.says(Says(("Let me see.", Thought("Hm."), OSLO, ROME)), Says("Wet, and dry."))
    first = pair.ask(way, Ask(tools=TOOLS))
    assert [call.arguments for call in first.calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    # Google gives its calls no ids of their own: their order says which is which.
    assert len({call.id for call in first.calls}) == (1 if pair.names == ("google-genai", "gemini") else 2)
    assert first.stop == pair.client.stops["tools"]
    last = pair.ask(way, Ask((User("Hi"), first, Results(first, ("wet", "dry"))), tools=TOOLS))
    assert last.text == "Wet, and dry."
    assert pair.raw.rindex(b"wet") < pair.raw.rindex(b"dry")


@each("streamed tool arguments")
def test_arguments_come_in_pieces_as_they_are_written(pair: Pair) -> None:
    pair.sim.says(Says((Call("weather", {"city": "Llanfairpwllgwyngyll"}), ROME)))
    heard = pair.client.stream(Ask(tools=TOOLS))
    assert [call.arguments["city"] for call in heard.calls] == ["Llanfairpwllgwyngyll", "Rome"]
    assert heard.fragments > 4 if pair.verdict.kind == "passes" else heard.fragments == 2


@WAYS
@each("structured output")
def test_an_answer_follows_the_schema_that_the_client_sent(pair: Pair, way: str) -> None:
    pair.sim.says(Says(Json({"city_of_birth": "Oslo"})))
    assert json.loads(pair.ask(way, Ask(schema=CITY)).text) == {"city_of_birth": "Oslo"}
    assert b"city_of_birth" in pair.raw


@each("JSON mode")
def test_an_answer_is_json_where_the_client_wants_it(pair: Pair) -> None:
    pair.sim.says(Says(Json({"a": 1})))
    asked = Ask((User("Give me JSON."),), json_mode=True)
    assert json.loads(pair.client.whole(asked).text) == {"a": 1}
    pair.told_or_dropped(asked, rb'"json_object"|application/json')


@each("images (data)")
def test_a_picture_reaches_the_model(pair: Pair) -> None:
    pair.sim.says(Says("Red."))
    assert pair.client.whole(Ask((User("Colour?", image=True),))).text == "Red."
    # Google's own library sends the other alphabet, which only Google takes.
    passed = PNG.replace("+", "-").replace("/", "_") if pair.names == ("google-genai", "gemini") else PNG
    assert passed.encode() in pair.raw


@each("images (url)")
def test_a_picture_at_an_address_reaches_the_model(pair: Pair) -> None:
    asked = Ask((User("Colour?", image_url=True),))
    pair.passes_or_refused(asked, IMAGE_URL)


@each("files (data)")
def test_a_document_reaches_the_model(pair: Pair) -> None:
    pair.passes_or_refused(Ask((User("What is it?", file=True),)), PDF)


PARAMETERS: list[tuple[str, dict[str, Any], bytes]] = [
    ("stop sequences", {"stop": "STOP-HERE"}, rb"STOP-HERE"),
    ("seed", {"seed": 4242}, rb"4242"),
    ("top_k", {"top_k": 17}, rb'"(top_k|topK|k)": ?17'),
    ("penalties", {"penalty": 0.25}, rb"0\.25"),
]


@pytest.mark.parametrize(
    ("asked", "pattern"),
    [(asked, pattern) for _, asked, pattern in PARAMETERS],
    ids=[name for name, _, _ in PARAMETERS],
)
@each()
def test_a_parameter_reaches_the_model_or_is_named_as_dropped(
    pair: Pair, asked: dict[str, Any], pattern: bytes
) -> None:
    feature = next(name for name, given, _ in PARAMETERS if given == asked)
    pair.judge(feature)
    if pair.verdict.kind != "unasked":
        pair.sim.says(Says("Yes."))
        assert pair.client.whole(Ask(**asked)).text == "Yes."
        pair.told_or_dropped(Ask(**asked), pattern)


@WAYS
@each("reasoning")
def test_what_a_model_thinks_is_shown(pair: Pair, way: str) -> None:
    pair.sim.says(Says((Thought("Hm, two."), "Two."), tokens=Tokens(11, 7, reasoning=3)))
    heard = pair.ask(way, Ask(thinks=True))
    assert heard.text == "Two."
    assert heard.thoughts == ("Hm, two." if pair.verdict.kind == "passes" else "")
    assert heard.output == 7


@WAYS
@each("reasoning signatures")
def test_the_proof_of_a_thought_comes_back_to_who_made_it(pair: Pair, way: str) -> None:
    pair.sim.says(Says((Thought("Hm.", "c2lnbmVkLWJ5LW1l"), OSLO)), Says("Wet."))
    first = pair.ask(way, Ask(tools=TOOLS, thinks=True))
    last = pair.ask(way, Ask((User("Hi"), first, Results(first, ("wet",))), tools=TOOLS, thinks=True))
    assert last.text == "Wet."
    assert (b"c2lnbmVkLWJ5LW1l" in pair.raw) == (pair.verdict.kind == "passes")


@WAYS
@pytest.mark.parametrize("stop", ["length", "sequence"])
@each("text")
def test_why_a_model_stopped_is_told_in_the_clients_words(pair: Pair, way: str, stop: Any) -> None:
    pair.sim.says(Says("One, two", stop=stop, stop_sequence="END" if stop == "sequence" else None))
    told = pair.ask(way, Ask(stop="" if pair.lacks_stops else "END")).stop
    known = {pair.client.stops[stop]} | ({pair.client.stops["stop"]} if stop == "sequence" else set())
    assert told in known


@WAYS
@each("cached tokens")
def test_cached_tokens_are_counted(pair: Pair, way: str) -> None:
    pair.sim.says(Says("Hello", tokens=Tokens(1100, 7, cached=1000)))
    heard = pair.ask(way, Ask())
    assert (heard.input, heard.output) == (1100, 7)
    passes = pair.verdict.kind == "passes"
    assert (heard.cached or 0) == (1000 if passes else 0)
    assert pair.row()["cached_tokens"] == (0 if pair.verdict.kind == "unsaid" else 1000)
