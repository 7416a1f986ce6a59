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
# The beginning of HTML's names for characters. .NET escapes the beginning in JSON.
_AMP: Final = rb"(?:&|\\+u0026)(?:amp;)*"
# How some characters are written besides.
_OTHERS: Final = {
    b" ": (rb"\+",), b"\n": (rb"\\+n", rb"\r\n"), b"&": (_AMP + rb"amp" + b";",), b"<": (_AMP + rb"lt" + b";",),
    b">": (_AMP + rb"gt" + b";",), b'"': (_AMP + rb"quot" + b";",), b"'": (_AMP + rb"apos" + b";",),
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
    yield b"".join(map(_byte, raw))
    if not raw.isascii():
        yield re.escape(json.dumps(secret)[1:-1].encode())
    if len(raw) >= _SHORTEST:
        yield from (b"".join(map(_byte, encoded)) for encoded in _in_base64(raw))


def _byte(byte: int) -> bytes:
    """One byte, as it is or escaped: what needs that, and how it is written, is not the same everywhere. Who escapes what
    was escaped, escapes its backslash or its percent sign."""
    char = bytes((byte,))
    if char.isalnum():
        return char
    forms = [rb"\\*" + re.escape(char), rb"%%(?:25)*(?i:%02X)" % byte, rb"\\+u00(?i:%02x)" % byte]
    forms += [_AMP + rb"#(?:0*%d|[xX]0*(?i:%x))" % (byte, byte) + b";", *_OTHERS.get(char, ())]
    return b"(?:%b)" % b"|".join(forms)


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """At each of the three places where it can begin in what is encoded: the characters that are its own alone."""
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * before + raw)
            first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
            yield encoded[first:last]
