"""One canonical path, decided once, for routing, checks and the upstream.

Two readers of one path that disagree are how auth is passed by. So:

1. The target is ASCII without controls, space or `#`; anything else is refused (400).
2. Percent-encoding is decoded exactly once. A malformed `%`, an encoded NUL, control, `/` or `\\` and bytes
   that are not UTF-8 are refused: what decodes differently in two places has no safe meaning.
3. `.` and `..` segments are resolved after decoding, so `%2e%2e` is `..`; climbing above `/` is refused.
4. `//` is refused rather than merged: upstreams differ on what it means. A trailing `/` stays.
5. `;` is an ordinary character: no path parameters.
6. The canonical path is encoded again with one alphabet (RFC 3986 pchar), and that is what is sent on.
"""

from __future__ import annotations

from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from headgate.errors import ClientFault

QueryPairs = list[tuple[str, str]]

# RFC 3986 §3.3: pchar = unreserved / pct-encoded / sub-delims / ":" / "@"
PATH_SAFE = "/!$&'()*+,;=:@-._~"
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + PATH_SAFE.encode()


def bad_path(why: str) -> ClientFault:
    return ClientFault("request.invalid", f"The path {why}.", status=400)


def canonical(path: bytes) -> tuple[str, bytes]:
    """The decoded path and its canonical encoding. ClientFault 400 where a path has no single meaning."""
    # The common case: nothing to decode, and no segment that begins with a dot or is empty.
    if path[:1] == b"/" and not path.translate(None, _PLAIN) and b"//" not in path and b"/." not in path:
        return path.decode("ascii"), path
    decoded = resolve(decode(path))
    return decoded, quote(decoded, safe=PATH_SAFE).encode("ascii")


def decode(path: bytes) -> str:
    """Percent-decode once; refuse what two readers could read differently."""
    if not path.startswith(b"/"):
        raise bad_path("must begin with /")
    for at in range(len(path)):
        if path[at] == 0x25 and not _is_hex(path[at + 1 : at + 3]):
            raise bad_path("has a % that is not followed by two hexadecimal digits")
        if path[at] <= 0x20 or path[at] >= 0x7F:
            raise bad_path("has a character that must be percent-encoded")
    lowered = path.lower()
    if b"%2f" in lowered or b"%5c" in lowered or b"\\" in path:
        raise bad_path("has an encoded slash or a backslash, which servers read differently")
    raw = unquote_to_bytes(path)
    if any(byte < 0x20 or byte == 0x7F for byte in raw):
        raise bad_path("has an encoded control character")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_path("is not UTF-8 once decoded") from None


def _is_hex(pair: bytes) -> bool:
    return len(pair) == 2 and all(byte in b"0123456789abcdefABCDEF" for byte in pair)


def resolve(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986 §5.2.4), refusing to climb above the root, and refuse `//`."""
    if "//" in path:
        raise bad_path("has an empty segment (//)")
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if not kept:
                raise bad_path("climbs above /")
            kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def encoded_path(text: str) -> bytes:
    """A path written as text, encoded: every character stands for itself, so no `?` begins a query and no `%` decodes.
    ClientFault 400 for a dot segment, a `//`, a backslash or a control: values may have been put into the text.
    A step's parameter of type `UrlPath` has seen to it that none of them brought a slash."""
    refuse_dots(text)
    return canonical(quote(text, safe=PATH_SAFE).encode())[1]


def refuse_dots(text: str) -> None:
    """ClientFault 400 for a dot segment in a path that a policy writes."""
    if any(segment in (".", "..") for segment in text.split("/")):
        raise bad_path("has a dot segment, which may come from a value that was put into it")


def parse_query(query: bytes) -> QueryPairs:
    """Decode `a=1&b=2` (WHATWG urlencoded; `+` is a space). Bytes that are not UTF-8 become U+FFFD."""
    pairs = []
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_form_decode(name), _form_decode(value)))
    return pairs


def _form_decode(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


def render_query(pairs: QueryPairs) -> bytes:
    """The inverse of `parse_query`, with every reserved character encoded."""
    return b"&".join(
        quote_from_bytes(n.encode()).encode() + b"=" + quote_from_bytes(v.encode()).encode() for n, v in pairs
    )
