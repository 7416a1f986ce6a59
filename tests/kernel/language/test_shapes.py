"""A `type` as a check and as a JSON schema: both say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from two_machines import PLUGINS, checked_of

from headgate.language import types as t
from headgate.language.check.modules import load
from headgate.language.check.run import check
from headgate.language.shapes import Fault, Misfit, Shape

TEXT = """policy 1

type Why { text: text(..200), sure: bool? }
type Mood {
    label: "positive" | "negative", score: number(0..1), n: int(1..)?, why: Why, more: list[Why]?, words: map[int]
    kind: "a" | "b"
    loose: json?
}
"""


def shape(name: str = "Mood", text: str = TEXT) -> Shape:
    checked = checked_of(text)
    found = checked.exports["main.policy"].find(name)
    assert found is not None
    assert isinstance(found.type, t.Record)
    return Shape(found.type)


GOOD: dict[str, Any] = {"label": "positive", "score": 0.5, "why": {"text": "so"}, "words": {"x": 1}, "kind": "a"}


def test_the_schema_is_strict_and_null_stands_for_absence():
    why = {
        "type": "object", "required": ["text", "sure"], "additionalProperties": False,
        "properties": {"text": {"type": "string", "maxLength": 200}, "sure": {"type": ["boolean", "null"]}},
    }  # fmt: skip
    assert shape().json_schema() == {
        "title": "Mood",
        "type": "object",
        "required": ["label", "score", "n", "why", "more", "words", "kind", "loose"],
        "additionalProperties": False,
        "properties": {
            "label": {"type": "string", "enum": ["positive", "negative"]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "n": {"type": ["integer", "null"], "minimum": 1},
            "why": why,
            "more": {"type": ["array", "null"], "items": why},
            "words": {"type": "object", "additionalProperties": {"type": "integer"}},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "loose": {},
        },
    }


def test_the_schema_leaves_bounds_out_where_they_are_not_wanted():
    text = json.dumps(shape().json_schema(bounds=False))
    assert not [word for word in ("minimum", "maximum", "maxLength") if word in text]


def test_what_fits_comes_back_without_what_is_absent():
    assert shape().decode({**GOOD, "n": None, "more": []}) == {**GOOD, "more": []}
    assert shape().decode(json.dumps(GOOD).encode()) == GOOD


def test_bytes_are_read_strictly():
    for data, pointer in ((b'{"label": 1, "label": 2}', "/label"), (b"{", ""), (b"\xff", "")):
        with pytest.raises(Misfit) as caught:
            shape().decode(data)
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_unknown_fields_are_faults_or_dropped_at_every_depth():
    value = {**GOOD, "x": 1, "why": {"text": "so", "y": 2}}
    with pytest.raises(Misfit) as caught:
        shape().decode(value)
    assert caught.value.faults == (Fault("/why/y", "is no field of Why"), Fault("/x", "is no field of Mood"))
    assert str(caught.value) == "/why/y: is no field of Why; /x: is no field of Mood"
    assert shape().decode(value, unknown="drop") == GOOD


def test_two_shapes_of_one_type_are_one():
    assert shape() == shape()
    assert hash(shape()) == hash(shape())
    assert repr(shape("Why")) == "<Shape Why [2 fields]>"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["positive", "a", "b", ""]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "sure", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def fits(schema: dict[str, Any], value: Any) -> bool:
    """As much of JSON Schema as shapes use."""
    if "anyOf" in schema:
        return any(fits(one, value) for one in schema["anyOf"])
    kinds = schema.get("type", [])
    names = {
        "null": value is None, "boolean": isinstance(value, bool), "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool), "array": isinstance(value, list),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool), "object": isinstance(value, dict),
    }  # fmt: skip
    if kinds and not any(names[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    if value is None:
        return True
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "minimum" in schema and value < schema["minimum"]:
        return False
    if "maximum" in schema and value > schema["maximum"]:
        return False
    if isinstance(value, list):
        return all(fits(schema.get("items", {}), one) for one in value)
    if isinstance(value, dict) and schema:
        own, other = schema.get("properties", {}), schema.get("additionalProperties")
        known = all(fits(own[key], one) if key in own else other and fits(other, one) for key, one in value.items())
        return bool(known and set(schema.get("required", ())) <= value.keys())
    return True


@given(
    st.fixed_dictionaries(
        {
            "label": st.just("positive") | VALUES, "score": st.just(0.5) | VALUES, "n": VALUES,
            "why": st.fixed_dictionaries({"text": st.just("") | VALUES, "sure": VALUES}) | VALUES, "more": st.none() | VALUES,
            "words": st.dictionaries(st.text(max_size=1), st.integers() | VALUES, max_size=2), "kind": st.just("a") | VALUES,
            "loose": VALUES,
        }
    )
)  # fmt: skip
def test_what_the_schema_takes_the_shape_takes_and_nothing_else(value: Any) -> None:
    try:
        shape_of_moods.decode(value)
    except Misfit:
        taken = False
    else:
        taken = True
    # A record inside may lack what may be absent; the schema wants it there, as null.
    filled = json.loads(json.dumps(value))
    for record in [filled.get("why"), *(filled["more"] if isinstance(filled.get("more"), list) else ())]:
        if isinstance(record, dict):
            record.setdefault("sure", None)
    assert taken == fits(shape_of_moods.json_schema(), filled)


shape_of_moods = shape()


def found_in(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    checked = check(load(["main.policy"], {"main.policy": f"policy 1\n{text}"}.get), PLUGINS.vocabulary)
    return [(finding.code, finding.message, finding.helps or finding.notes) for finding in checked.findings]


CARD = 'card c(who: text) { front = "{who}" }\n'


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (CARD + "route r GET / public {\n t.show c\n respond 200\n}", (
            "E103", "`c` takes values, and this gives it none", ("write `c(who=…)`",),
        )),
        ('card c(who: text) { front = "{request.path}" }', (
            "E003", "there is no `request` here",
            ("a resource sees its parameters only: give it one more, and pass the value where it is called",),
        )),
        (CARD + "route r GET / public {\n t.show c(who=7)\n respond 200\n}", (
            "E101", "`who` is text, not an int", ('write it as text: `"7"`',),
        )),
        (CARD + 'route r GET / public {\n t.show c(who="a") beside=[c(who="b"), 7]\n respond 200\n}', (
            "E101", "an item of this list is a card, not an int", (),
        )),
        ('card c { front = "x" }\nroute r GET / public {\n t.show c beside=7\n respond 200\n}', (
            "E101", "`beside` of `t.show` is a card or a list[card], not an int", (),
        )),
        ("type A { x: int }\nroute r GET / public {\n t.read A value=1 as a\n respond 200 text=a.x\n}", (
            "E101", "`text` of `respond` is text, not an int", ('write it as text: `"{a.x}"`',),
        )),
    ],
)  # fmt: skip
def test_what_is_said_of_resources_and_types(text: str, finding: tuple[str, str, tuple[str, ...]]):
    assert found_in(text) == [finding]
