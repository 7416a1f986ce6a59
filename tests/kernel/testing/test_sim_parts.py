"""The parts of the simulators: what they count, what they import, how strict they are."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Literal, Required, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.testing import providers
from headgate.testing.providers import Call, Pieces, Says, Text, Thought, Tokens
from headgate.testing.providers.frames import cut
from headgate.testing.providers.strict import Misfit, conforms

SDKS = ("openai", "anthropic", "google.genai", "mistralai", "cohere", "botocore", "pydantic")


def test_the_kit_needs_no_sdk_until_a_simulator_is_asked_for() -> None:
    code = f"import sys, headgate.testing, headgate.testing.providers; print([n for n in {SDKS} if n in sys.modules])"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(providers.LAZY))
def test_every_simulator_is_found_by_its_name(name: str) -> None:
    assert getattr(providers, name).__name__ == name


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="Perplexity"):
        _ = providers.Perplexity


def test_parts_may_be_one_or_many_and_say_why_they_end() -> None:
    assert Says("Hi").content == (Text("Hi"),)
    assert Says(("Hi", Call("x"))).ends == "tools"
    assert Says(("Hi", Call("x")), stop="length").ends == "length"


def test_what_is_not_counted_by_the_script_is_counted_by_length() -> None:
    assert Says(("12345678", Thought("1234"))).counted(40) == Tokens(10, 3, reasoning=1)


def test_a_share_costs_its_input_and_its_output_rounded_up() -> None:
    assert Tokens(10, 7, cached=2, reasoning=3).produced(0.5) == Tokens(10, 4, cached=2, reasoning=2)
    assert Tokens(10, 7).produced(0) == Tokens(10)


@given(st.text(), st.integers(1, 9))
def test_pieces_make_the_whole(text: str, size: int) -> None:
    assert "".join(Pieces(text=size).of_text(text)) == text
    assert b"".join(cut(text.encode(), size)) == text.encode()


class Small(TypedDict, total=False):
    kind: Required[Literal["small"]]
    size: int


class Big(TypedDict):
    kind: Literal["big"]
    weights: list[float]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"kind": "small", "size": 1}, None),
        ({"kind": "big", "weights": [1, 2.5]}, None),
        ({"kind": "small", "size": True}, "size: type an integer"),
        ({"kind": "small", "weights": []}, "weights: unknown"),
        ({"kind": "big", "weights": [1, "2"]}, "weights.1: type a number"),
        ({"kind": "big"}, "weights: missing"),
        ({"size": 1}, "kind: missing"),
        ([], "type an object"),
    ],
)
def test_a_value_fits_a_union_or_the_member_that_it_names_says_why_not(value: Any, complaint: str | None) -> None:
    if complaint is None:
        return conforms(value, Small | Big)
    with pytest.raises(Misfit) as caught:
        conforms(value, Small | Big)
    assert complaint in str(caught.value)
    return None
