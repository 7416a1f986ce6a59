"""JSON: what is read strictly is read by two other readers, and to the same value."""

from __future__ import annotations

import json

import msgspec
from tests.fuzz.running import run

from headgate.message.strict_json import NotStrict, decode_strictly

SEEDS = (
    b'{"model": "a", "messages": [{"role": "user", "content": "\\u00e9\\n"}], "n": 1, "t": -0.5e3}',
    b' [true, false, null, 9223372036854775807, 1e308, "\\ud83d\\ude00"]\n',
    b'{"a": 1, "a": 2}',
    b'"\\ud800"',
    b"[[[[1]]]]",
)


def fuzz(data: bytes) -> None:
    """One body."""
    try:
        value = decode_strictly(data)
    except NotStrict as error:
        assert error.message
        return
    assert json.loads(data) == value
    assert msgspec.json.decode(data) == value
    assert decode_strictly(json.dumps(value).encode()) == value


if __name__ == "__main__":
    run("documents")
