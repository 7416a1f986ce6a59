"""Where a setting stands in its file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.host import origins
from headgate.host.origins import line_of

TEXT = '''# bind = 1
bind = [
  ":80",  # x = 3
  ":81",
]
a.b.c = 1
"q=x" = 2
s = """
x = 3
[tls]
"""

[tls]
minimum = "1.2"
[[tls.certificates]]
cert = 'a'
  key = 'b'
[[tls.certificates]]
cert = 'a'
kye = { z = 1, y = [1, {k=2}] }
[tls.certificates.deep]
q = 1
[[tls.certificates.many]]
w=1
[[tls.certificates.many]]
w=2
[limits] # comment = 3
idle_s = 1
[ x . "y z" ]
v = 1
[egress]
allow = [[
 1 ],
 [ 2,
 3]]
'''


def paths(value: Any, within: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*within, key)
        yield from paths(one, (*within, key))


def slowly(text: str, path: tuple[str | int, ...]) -> int:
    """The first line of the first statement without which there is no such path."""
    begun = 1
    lines = text.split("\n")
    for end in range(1, len(lines) + 1):
        try:
            there = path in set(paths(tomllib.loads("\n".join(lines[:end]))))
        except tomllib.TOMLDecodeError:
            continue
        if there:
            return begun
        begun = end + 1
    return 0


@pytest.mark.parametrize("path", [*paths(tomllib.loads(TEXT))], ids=str)
def test_each_key_of_a_file_is_found(path: tuple[str | int, ...]) -> None:
    assert line_of(TEXT, path) == line_of(TEXT.replace("\n", "\r\n"), path) == slowly(TEXT, path)


def test_what_is_not_there_is_found_by_what_it_would_be_a_part_of() -> None:
    assert line_of(TEXT, ("tls", "certificates", 1, "nope")) == 18
    assert line_of(TEXT, ("nope",)) == 0


def test_a_file_is_read_once_however_much_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"key{number} = {number}\n" for number in range(500))
    read: list[int] = []

    class Counted:
        TOMLDecodeError = tomllib.TOMLDecodeError

        @staticmethod
        def loads(part: str) -> dict[str, Any]:
            read.append(len(part))
            return tomllib.loads(part)

    monkeypatch.setattr(origins, "tomllib", Counted)
    assert [line_of(text, (f"key{number}",)) for number in range(500)] == list(range(1, 501))
    assert sum(read) <= len(text)
