"""Credentials in what a provider says: taken out, in whatever form they came back.

1. Providers have been seen to repeat a key in an error; proxies before them repeat whole requests. A key may come back as
   it is, in base64 (alone, or inside of something that was encoded with it), and either of these escaped for a URL, for
   JSON or for HTML, once or several times. Letters and digits are written as they are by all of them.
2. Of a secret of several parts each part is one: of `ACCESS:SECRET:SESSION`, of a service account's file. A token that was
   got for a secret is one too (see `showing`); a signature is not, it is good for one request.
3. Parts below a dozen characters are words that may stand in any text, so only a whole secret is hidden however short.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

HIDDEN: Final = "…".encode()
_SHORTEST: Final = 12
_RUNS: Final = re.compile(rb"\\+|[^\\]", re.DOTALL)
# How often something may have been escaped: seven backslashes are three levels of JSON. Without a bound, a run of backslashes
# would be looked at as often as it is long.
_SOME: Final = rb"\\{1,7}"
_ANY: Final = rb"\\{0,7}"
# The beginning of HTML's names for characters. .NET escapes it in JSON.
_AMP: Final = rb"(?:&|\\{1,7}u0026)(?:amp;){0,7}"
# How some characters are written besides.
_OTHERS: Final = {
    b" ": (rb"\+",), b"\n": (_SOME + b"n", rb"\r\n"), b"\r": (_SOME + b"r",), b"\t": (_SOME + b"t",), b"\b": (_SOME + b"b",),
    b"\f": (_SOME + b"f",), b"&": (_AMP + b"amp;",), b"<": (_AMP + b"lt;",), b">": (_AMP + b"gt;",),
    b'"': (_AMP + b"quot;",), b"'": (_AMP + b"apos;",),
}  # fmt: skip


def pattern_of(secrets: Iterable[str]) -> re.Pattern[bytes] | None:
    """Every form of these secrets; None where there is none."""
    forms = list({form for secret in secrets for part in _parts(secret) for form in _forms(part)})
    # The longest first: what is a part of another one leaves nothing of that behind.
    forms.sort(key=len, reverse=True)
    return re.compile(b"|".join(forms)) if forms else None


def without(hidden: re.Pattern[bytes] | None, said: Any) -> Any:
    """What was said, at whatever depth, without them. Names are said too."""
    if hidden is None:
        return said
    match said:
        case bytes():
            return hidden.sub(HIDDEN, said)
        case str():
            return hidden.sub(HIDDEN, said.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        case dict():
            return {without(hidden, name): without(hidden, value) for name, value in said.items()}
        case list() | tuple():
            return [without(hidden, one) for one in said]
    return said


def _parts(secret: str) -> Iterator[str]:
    yield secret
    if secret.lstrip().startswith("{"):
        yield from _strings(secret)
    elif ":" in secret:
        yield from (part for part in secret.split(":") if len(part) >= _SHORTEST)


def _strings(secret: str) -> Iterator[str]:
    """What stands in a file of JSON; addresses are nobody's secret."""
    try:
        held = json.loads(secret)
    except (ValueError, RecursionError):
        return
    for value in held.values() if isinstance(held, dict) else ():
        if isinstance(value, str) and len(value) >= _SHORTEST and not value.startswith(("http://", "https://")):
            yield value


def _forms(secret: str) -> Iterator[bytes]:
    """Patterns, which together find it in every form."""
    raw = secret.encode()
    yield _escaped(raw)
    if not raw.isascii():
        yield _escaped(json.dumps(secret)[1:-1].encode())
    if len(raw) >= _SHORTEST:
        yield from map(_escaped, _in_base64(raw))


def _escaped(raw: bytes) -> bytes:
    """A pattern that finds it as it is or escaped. Backslashes in a row are one thing, or they would be tried one by one."""
    return b"".join(_byte(run[0]) if run[:1] != b"\\" else _backslashes(len(run)) for run in _RUNS.findall(raw))


def _backslashes(count: int) -> bytes:
    by_number = b"|".join(_by_number(ord("\\")))
    return rb"(?:\\{%d,%d}|(?:%b){%d})" % (count, 8 * count, by_number, count)


def _byte(byte: int) -> bytes:
    """One byte, as it is or escaped: what needs that, and how it is written, is not the same everywhere. Who escapes what
    was escaped, escapes its backslash or its percent sign."""
    char = bytes((byte,))
    if char.isalnum():
        return char
    return b"(?:%b)" % b"|".join([_ANY + re.escape(char), *_by_number(byte), *_OTHERS.get(char, ())])


def _by_number(byte: int) -> list[bytes]:
    """In a URL, in JSON, in HTML."""
    html = _AMP + rb"#(?:0{0,7}%d|[xX]0{0,7}(?i:%x));" % (byte, byte)
    return [rb"%%(?:25){0,7}(?i:%02X)" % byte, _SOME + rb"u00(?i:%02x)" % byte, html]


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """At each of the three places where it can begin in what is encoded: the characters that are its own alone."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * before + raw)
            first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            yield encoded[first:last]
