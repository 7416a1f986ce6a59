"""A key in what a provider says, in every form in which it may come back."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate_ai.hiding import HIDDEN, pattern_of, without

SECRET = "sk/with+signs=and_more-0123456789 'of' \"them\" <&>"


def units(text: str) -> str:
    """As .NET writes it: what could mean something in HTML, by its number."""
    return "".join(f"\\u{ord(one):04X}" if one in "\"&'+<>`/=\\" else one for one in text)


ONCE = {
    "as it is": lambda text: text,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON by numbers": units,
    "a URL": lambda text: quote(text, safe=""),
    "a URL in lower case": lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
    "a form": quote_plus,
    "HTML": html.escape,
    "HTML by numbers": lambda text: "".join(one if one.isalnum() else f"&#{ord(one)};" for one in text),
    "HTML by hexadecimal numbers": lambda text: "".join(one if one.isalnum() else f"&#x{ord(one):X};" for one in text),
}
TWICE = {
    "JSON in JSON": ("JSON", "JSON"), "numbers in JSON": ("JSON by numbers", "JSON"), "a URL in a URL": ("a URL", "a URL"),
    "HTML in HTML": ("HTML by numbers", "HTML"), "HTML in JSON": ("HTML", "JSON by numbers"),
}  # fmt: skip


def hidden(secret: str, said: str) -> str:
    left = without(pattern_of([secret]), f"before:{said}:after".encode())
    assert isinstance(left, bytes)
    return left.decode()


@pytest.mark.parametrize("way", ONCE)
def test_a_key_is_hidden_in_every_form(way: str) -> None:
    assert hidden(SECRET, ONCE[way](SECRET)) == f"before:{HIDDEN.decode()}:after"


@pytest.mark.parametrize("ways", TWICE.values(), ids=TWICE)
def test_a_key_is_hidden_where_it_was_escaped_twice(ways: tuple[str, str]) -> None:
    said = SECRET.replace("&", "").replace("<", "").replace(">", "")
    assert hidden(said, ONCE[ways[1]](ONCE[ways[0]](said))) == f"before:{HIDDEN.decode()}:after"


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("way", ["as it is", "JSON by numbers", "a URL"])
def test_a_key_in_base64_leaves_no_more_than_its_edges(before: str, way: str) -> None:
    encoded = base64.b64encode(f"{before}{SECRET}:x".encode()).decode()
    left = hidden(SECRET, ONCE[way](encoded))
    assert HIDDEN.decode() in left
    assert len(left) < len("before::after") + 24 + len(before), "each edge is four characters, and what fills it up"


@pytest.mark.parametrize("name", ["a name of a model: gpt-4.1", "sk-", "http://127.0.0.1/v1", ""])
def test_what_is_no_key_stays(name: str) -> None:
    assert hidden(SECRET, name) == f"before:{name}:after"


def test_lines_of_a_private_key_are_hidden_as_a_file_of_json_has_them() -> None:
    secret = json.dumps({"private_key": "-----BEGIN KEY-----\nMIIEv+AB/c==\n-----END KEY-----\n"})
    said = "key -----BEGIN KEY-----\\nMIIEv\\u002BAB\\/c==\\n-----END KEY-----\\n!"
    assert hidden(secret, said) == f"before:key {HIDDEN.decode()}!:after"


def test_a_private_key_with_every_kind_of_line_is_hidden() -> None:
    for ending in ("\n", "\r\n", "\t\n"):
        secret = f"-----BEGIN KEY-----{ending}MIIEv+AB/c=={ending}"
        assert hidden(secret, json.dumps(secret)[1:-1]) == f"before:{HIDDEN.decode()}:after"


def test_a_key_beyond_ascii_is_hidden_as_php_writes_it() -> None:
    secret = "schlüssel/0123456789/abc"
    assert hidden(secret, json.dumps(secret)[1:-1].replace("/", "\\/")) == f"before:{HIDDEN.decode()}:after"


@pytest.mark.parametrize("secret", ["{-key-of-some-length-}", "-----BEGIN KEY", "\\" * 40 + "x", "a\\\\b" * 10])
def test_what_is_repeated_in_an_error_is_not_looked_at_again_and_again(secret: str) -> None:
    """No repetition is without a bound."""
    pattern = pattern_of([secret])
    assert pattern is not None
    assert not re.search(rb"(?<!\\)[*+]", re.sub(rb"\\.", b"", pattern.pattern))
    begun = time.thread_time()
    assert pattern.search((b"\\" * 997 + b"'") * 64) is None
    assert time.thread_time() - begun < 2.0, "it takes hundredths of a second; what is quadratic takes many"


ESCAPED_WHOLE = st.sampled_from(
    sorted(set(ONCE) - {"HTML by numbers", "HTML by hexadecimal numbers", "JSON by numbers"})
)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=30), st.sampled_from(sorted(ONCE)))
def test_any_key_is_hidden_in_any_form(secret: str, way: str) -> None:
    assert HIDDEN.decode() in hidden(secret, ONCE[way](secret))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), ESCAPED_WHOLE)
def test_any_key_beyond_ascii_is_hidden_too(secret: str, way: str) -> None:
    assert HIDDEN.decode() in hidden(secret, ONCE[way](secret))
