"""Requests that are mostly right, and say the same thing in many ways: what we accept has to be read alike as well."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

_METHODS: Final = st.sampled_from((b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"HEAD", b"OPTIONS", b"PROPFIND"))
_PIECES: Final = st.sampled_from(
    (b"/", b"a", b"b", b".", b"..", b"%41", b"%2e", b"%20", b"%25", b"%3f", b"%c3%a9", b";", b":", b"@", b"!", b"$", b"&", b"'", b"(", b"*", b"+", b",", b"=", b"-", b"_", b"~", b'"', b"<", b"|", b"^", b"`", b"{")
)  # fmt: skip
_PATHS: Final = st.lists(_PIECES, max_size=7).map(lambda pieces: b"/" + b"".join(pieces))
_QUERIES: Final = st.just(b"") | st.lists(_PIECES | st.sampled_from((b"?", b"%", b"%zz")), max_size=5).map(
    lambda pieces: b"?" + b"".join(pieces)
)
_ORIGINS: Final = st.sampled_from((b"", b"", b"", b"", b"http://a.test", b"HTTP://B.Test:80", b"http://c.test:"))
_HOSTS: Final = st.sampled_from(
    (
        b"a.test",
        b"A.Test",
        b"a.test:80",
        b"a.test:",
        b"a.test.",
        b"a_b",
        b"127.0.0.1:1",
        b"[::1]",
        b"[::1]:80",
        b"a-",
        b"1",
    )
)
_NAMES: Final = st.sampled_from(
    (
        b"X",
        b"x-y",
        b"X_Y",
        b"!#$%&'*+-.^_`|~",
        b"Content-Type",
        b"Accept",
        b"Cookie",
        b"Range",
        b"TE",
        b"Trailer",
        b"Keep-Alive",
        b"Via",
        b"Date",
        b"Content_Length",
        b"Transfer_Encoding",
    )
)
_VALUES: Final = st.lists(
    st.sampled_from(
        (
            b"a",
            b" ",
            b"\t",
            b",",
            b";",
            b'"',
            b":",
            b"\xe9",
            b"\xff",
            b"\x80",
            b"\xa0",
            b"\x85",
            b"=",
            b"\\",
            b"chunked",
            b"0",
            b"GET / HTTP/1.1",
        )
    ),
    max_size=5,
).map(b"".join)
_SPACES: Final = st.sampled_from((b"", b" ", b"\t", b"  ", b" \t "))
_LINES: Final = st.builds(
    lambda name, before, value, after: name + b":" + before + value + after, _NAMES, _SPACES, _VALUES, _SPACES
)
_PERSISTENCE: Final = st.sampled_from(
    (
        b"Connection: keep-alive",
        b"Connection: x, Keep-Alive",
        b"Connection: X",
        b"Connection: te",
        b"Connection: keep-alive, content-type",
        b"Connection:",
        b"Connection: ,",
    )
)
_BODIES: Final = st.lists(st.sampled_from((b"hello", b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00\xff", b"x" * 300)), max_size=4).map(b"".join)  # fmt: skip


def _of_length(body: bytes, before: bytes, zeros: int, after: bytes) -> tuple[bytes, bytes]:
    return b"Content-Length:" + before + b"0" * zeros + b"%d" % len(body) + after, body


_LENGTHS: Final = st.builds(_of_length, _BODIES, _SPACES, st.integers(0, 4), _SPACES)
_EXTENSIONS: Final = st.sampled_from((b"", b"", b"", b";", b";a", b";a=b", b';a="b"', b" ;a", b"; a = b", b";\xff"))
_TRAILERS: Final = st.lists(_LINES, max_size=2).map(lambda lines: b"".join(line + b"\r\n" for line in lines))


def _in_chunks(pieces: list[tuple[bytes, bytes, str]], last: bytes, trailers: bytes) -> tuple[bytes, bytes]:
    chunks = b"".join(
        form.encode() % len(body) + extension + b"\r\n" + body + b"\r\n" for body, extension, form in pieces if body
    )
    return b"Transfer-Encoding: chunked", chunks + b"0" + last + b"\r\n" + trailers + b"\r\n"


_FORMS: Final = st.sampled_from(("%x", "%X", "0%x", "000%X"))
_CHUNKS: Final = st.builds(
    _in_chunks, st.lists(st.tuples(_BODIES, _EXTENSIONS, _FORMS), max_size=3), _EXTENSIONS, _TRAILERS
)


def _request(
    start: tuple[bytes, bytes, bytes, bytes, bytes],
    host: bytes,
    lines: list[bytes],
    framing: tuple[bytes, bytes] | None,
    at: int,
) -> bytes:
    method, origin, path, query, version = start
    head = [b"Host: " + host, *lines]
    if framing is not None:
        head.insert(at % (len(head) + 1), framing[0])
    body = b"" if framing is None else framing[1]
    return (
        method + b" " + origin + path + query + b" HTTP/1." + version + b"\r\n" + b"\r\n".join([*head, b"", b""]) + body
    )


_REQUESTS: Final = st.builds(
    _request,
    st.tuples(_METHODS, _ORIGINS, _PATHS, _QUERIES, st.sampled_from((b"1", b"1", b"1", b"1", b"0", b"7"))),
    _HOSTS,
    st.lists(_LINES | _LINES | _PERSISTENCE, max_size=3),
    st.none() | _LENGTHS | _CHUNKS,
    st.integers(0, 5),
)
PLAUSIBLE: Final = st.lists(_REQUESTS, min_size=1, max_size=3).map(b"".join)
