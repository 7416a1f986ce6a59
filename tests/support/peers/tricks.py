"""Known ways to have two servers read one connection differently, as raw bytes; and ways to make new ones.

Every case is one odd request; `stream` puts two plain ones behind it, so that a reader which lost its place shows it.
"""

from __future__ import annotations

from itertools import product
from typing import Final

from hypothesis import strategies as st

SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n"
NEXT: Final = b"GET /next?a=b HTTP/1.1\r\nHost: next\r\n\r\n"
END: Final = b"GET /end HTTP/1.1\r\nHost: end\r\nConnection: close\r\n\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
CHUNKS: Final = b"5\r\nhello\r\n0\r\n\r\n"


def stream(case: bytes) -> bytes:
    """The odd request with two plain ones behind it; the last asks for the end."""
    return case + NEXT + END


def post(lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"POST /first?q=1 HTTP/" + version + b"\r\nHost: first.test\r\n" + lines + b"\r\n" + body


# --- how long a body is -----------------------------------------------------------------------------------------------

ODD_VALUES: Final = (
    b"chunked", b"Chunked", b"CHUNKED", b" chunked ", b"\tchunked", b"chunked\t", b"\x0bchunked", b"chunked\x0b", b"\x0cchunked",
    b"chunked\x0c", b"\x85chunked", b"\xa0chunked", b"chunked\xa0", b"\x00chunked", b"chunked\x00", b"xchunked", b"chunkedx", b"chunke",
    b"chunked,", b",chunked", b"chunked, ", b"chunked, chunked", b"chunked,identity", b"identity,chunked", b"identity, chunked",
    b"chunked, gzip", b"gzip, chunked", b"gzip", b"identity", b"", b" ", b"chunked;", b"chunked;a=b", b"chunked; q=0", b'"chunked"',
    b"'chunked'", b"chunked identity", b"chunked\r", b"chunked\r\n ", b"\r\n chunked", b"\r\n\tchunked", b"chunked\n", b"\nchunked",
    b"chunked\r\nx", b"ch\xc3\xbcnked", b"chun\xe1\xb5\x8fed", b"chunk\xc4\xb1ed", b"deflate,, chunked", b"tr, chunked", b"cow",
)  # fmt: skip
ODD_CODINGS: Final = (
    *(b"Transfer-Encoding: " + value + b"\r\n" for value in ODD_VALUES),
    b"Transfer-Encoding:chunked\r\n", b"Transfer-Encoding : chunked\r\n", b" Transfer-Encoding: chunked\r\n", b"X: y\r\n Transfer-Encoding: chunked\r\n",
    b"Transfer_Encoding: chunked\r\n", b"Transfer-Encoding\t: chunked\r\n", b"Transfer-Encoding\x00: chunked\r\n", b"Transfer-Encoding\r\n: chunked\r\n",
    b"Transfer-Encoding\x0b: chunked\r\n", b"\x0bTransfer-Encoding: chunked\r\n", b"X: y\nTransfer-Encoding: chunked\r\n", b"X: y\rTransfer-Encoding: chunked\r\n",
    b"X: y\r\rTransfer-Encoding: chunked\r\n", b"transfer-encoding: chunked\n", b"Transfer-Encoding: chunked\n", b"Transfer-Encoding; chunked\r\n",
    b"Transfer-Encoding = chunked\r\n", b"Transfer Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
    b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n", b"TE: chunked\r\n", b"Content-Encoding: chunked\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\nTransfer-Encoding: chunked\r\n",
)  # fmt: skip
ODD_LENGTHS: Final = tuple(
    b"Content-Length:" + value + b"\r\n"
    for value in (
        b" 5", b" +5", b" -5", b" 0x5", b" 05", b" 005", b" 5 ", b"\t5\t", b" 5,5", b" 5, 5", b" 5, 6", b" 5 5", b" 5,", b" ,5", b" 5;", b" 5.0", b" 5e0",
        b" 5\x0b", b"\x0b5", b" 5\x00", b" 5\x0c", b"\xa05", b" \xb25", b" \xef\xbc\x95", b"", b" ", b" five", b" 0", b" 00", b" -0", b" +0", b" 1_0", b" 0o5", b" 5L",
        b" 18446744073709551621", b" 4294967301", b" 9223372036854775813", b" 99999999999999999999999999", b" 000000000000000000000000005",
        b" 5\r\nContent-Length: 5", b" 5\r\nContent-Length: 0", b" 0\r\nContent-Length: 5", b" 5\r\n 0", b"\r\n 5", b" 5\nContent-Length: 0", b" 5\rContent-Length: 0",
        b" 5\r\nContent_Length: 0", b" 5\r\nContent-Length : 0", b" 5\r\nConnection: content-length", b" 5\r\nX-Content-Length: 0", b" 5\r\nContent-Length\x00: 0",
    )
)  # fmt: skip
BODIES: Final = (b"hello", CHUNKS, b"0\r\n\r\n" + SMUGGLED)
BOTH: Final = tuple(
    b"".join(pair)
    for coding in ODD_CODINGS[:60:3] + ODD_CODINGS[-27:]
    for pair in ((coding, b"Content-Length: 5\r\n"), (b"Content-Length: 15\r\n", coding))
)
FRAMINGS: Final = tuple(
    post(lines, body) for lines, body in product((*ODD_CODINGS, *ODD_LENGTHS, *BOTH), BODIES)
) + tuple(post(lines, body, b"1.0") for lines, body in product(ODD_CODINGS[:1] + ODD_LENGTHS[:3], BODIES))

# --- chunks -----------------------------------------------------------------------------------------------------------

ODD_CHUNKS: Final = tuple(
    post(CHUNKED, body)
    for body in (
        CHUNKS, b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\n\n", b"5\rhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\rX0\r\n\r\n", b"5\r\nhello\r\n00\r\n\r\n", b"5\r\nhello\r\n000000000\r\n\r\n", b"05\r\nhello\r\n0\r\n\r\n",
        b"0000000000000000005\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n", b"5\t\r\nhello\r\n0\r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n", b"5_0\r\nhello\r\n0\r\n\r\n", b"5h\r\nhello\r\n0\r\n\r\n", b"five\r\nhello\r\n0\r\n\r\n",
        b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"100000005\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", b"8000000000000005\r\nhello\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF0000000000000005\r\nhello\r\n0\r\n\r\n", b"A\r\nhellohello\r\n0\r\n\r\n", b"a\r\nhellohello\r\n0\r\n\r\n",
        b"5;\r\nhello\r\n0\r\n\r\n", b"5;a\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0;c=d\r\n\r\n", b"5 ;a=b\r\nhello\r\n0\r\n\r\n", b"5; a = b\r\nhello\r\n0\r\n\r\n",
        b'5;a="b;c"\r\nhello\r\n0\r\n\r\n', b'5;a="b\r\nhello\r\n0\r\n\r\n', b'5;a="\r\n0\r\n\r\n"\r\nhello\r\n0\r\n\r\n', b"5;a\nhello\r\n0\r\n\r\n", b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n", b"5;a\r\r\nhello\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n", b"5;\x0b\r\nhello\r\n0\r\n\r\n", b"5;\x7f\r\nhello\r\n0\r\n\r\n", b"5;\xff\r\nhello\r\n0\r\n\r\n",
        b"5;;;\r\nhello\r\n0\r\n\r\n", b"5,a\r\nhello\r\n0\r\n\r\n", b"5;a=b\\\r\nhello\r\n0\r\n\r\n", b"2;\n\r\nxx\r\n3c\r\n0\r\n\r\n" + SMUGGLED,
        b"0\r\nA: b\r\n\r\n", b"0\r\nHost: evil\r\n\r\n", b"0\r\nContent-Length: 9\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nA: b\n\r\n", b"0\r\nA: b\r\n\n", b"0\r\nA b\r\n\r\n",
        b"0\r\n A: b\r\n\r\n", b"0\r\nA : b\r\n\r\n", b"0\r\nA: b\r\n c\r\n\r\n", b"0\r\nA: \x00\r\n\r\n", b"0\r\nA: b\rc\r\n\r\n", b"0\r\n: b\r\n\r\n", b"0\r\n\r\r\n", b"0\r\n\rX", b"0\r\nX" + SMUGGLED,
        b"0\r\n" + SMUGGLED, b"0\n\n" + SMUGGLED, b"", b"\r\n", b"\r\n\r\n", b"\n", b"0", b"0\r\n", b"5\r\nhel", b"5\r\nhello\r\n", b"G" + SMUGGLED,
    )
)  # fmt: skip

# --- request lines ----------------------------------------------------------------------------------------------------

_REST: Final = b"\r\nHost: first.test\r\n\r\n"
LINES: Final = tuple(
    line + _REST
    for line in (
        b"GET / HTTP/1.1", b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b"GET\x0b/ HTTP/1.1",
        b"GET / HTTP/1.1\r\r", b"GET / HTTP/1.1\x00", b"GET /\x00 HTTP/1.1", b"GET /a\x00b HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /a\x0bb HTTP/1.1", b"GET /a\x7fb HTTP/1.1", b"GET /a\xffb HTTP/1.1",
        b"GET /\xc3\xa9 HTTP/1.1", b"GET / HTTP/1.0", b"GET / HTTP/0.9", b"GET / HTTP/1.2", b"GET / HTTP/1.9", b"GET / HTTP/1.10", b"GET / HTTP/1.01", b"GET / HTTP/01.1", b"GET / HTTP/2.0", b"GET / HTTP/2",
        b"GET / HTTP/3", b"GET / http/1.1", b"GET / HTTP/1,1", b"GET / HTTP/ 1.1", b"GET / HTTP /1.1", b"GET / HTTPS/1.1", b"GET / ICE/1.0", b"GET / RTSP/1.0", b"GET / HTTP/1.1x", b"GET / HTTP/11", b"GET /", b"GET",
        b"get / HTTP/1.1", b"Get / HTTP/1.1", b"HEAD / HTTP/1.1", b"OPTIONS / HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET * HTTP/1.1", b"PUT / HTTP/1.1", b"DELETE / HTTP/1.1", b"PATCH / HTTP/1.1", b"TRACE / HTTP/1.1",
        b"CONNECT / HTTP/1.1", b"CONNECT a:80 HTTP/1.1", b"CONNECT a HTTP/1.1", b"PRI * HTTP/2.0", b"PROPFIND / HTTP/1.1", b"GET/ / HTTP/1.1", b"G=T / HTTP/1.1", b"G\x00T / HTTP/1.1", b"SOURCE / HTTP/1.1",
        b"GET a HTTP/1.1", b"GET ?a HTTP/1.1", b"GET /? HTTP/1.1", b"GET /?a?b HTTP/1.1", b"GET /#a HTTP/1.1", b"GET /?a#b HTTP/1.1", b"GET /a%2e HTTP/1.1", b"GET /a/%2e%2e/b HTTP/1.1", b"GET /a/../b HTTP/1.1",
        b"GET /a/./b HTTP/1.1", b"GET /../b HTTP/1.1", b"GET /a/.. HTTP/1.1", b"GET //a HTTP/1.1", b"GET /a//b HTTP/1.1", b"GET /a%2fb HTTP/1.1", b"GET /a%5cb HTTP/1.1", b"GET /a\\b HTTP/1.1", b"GET /a;b/c HTTP/1.1",
        b"GET /a%00b HTTP/1.1", b"GET /a%0d%0ab HTTP/1.1", b"GET /a%zz HTTP/1.1", b"GET /a% HTTP/1.1", b"GET /a%2 HTTP/1.1", b"GET /%41 HTTP/1.1", b"GET /a+b HTTP/1.1", b'GET /"<>^`{|} HTTP/1.1', b"GET /%c3%a9 HTTP/1.1",
        b"GET /%ff HTTP/1.1", b"GET /a?%zz&\"<> HTTP/1.1", b"GET /%252e%252e/a HTTP/1.1", b"GET /a%3fb HTTP/1.1", b"GET /a%23b HTTP/1.1", b"GET /.%2e/a HTTP/1.1", b"GET /a/%2e%2e%2fb HTTP/1.1",
        b"GET http://first.test/ HTTP/1.1", b"GET http://first.test HTTP/1.1", b"GET http://first.test?a=b HTTP/1.1", b"GET http://other.test/a HTTP/1.1", b"GET HTTP://First.Test:80/a HTTP/1.1", b"GET https://first.test/ HTTP/1.1",
        b"GET http:///a HTTP/1.1", b"GET http:/a HTTP/1.1", b"GET http://user@other.test/a HTTP/1.1", b"GET http://first.test@other.test/a HTTP/1.1", b"GET http://other.test:99999/a HTTP/1.1", b"GET http://[::1]/a HTTP/1.1",
        b"GET http://other.test\\a HTTP/1.1", b"GET http://other.test#a HTTP/1.1", b"GET http://other test/a HTTP/1.1", b"GET ftp://other.test/a HTTP/1.1", b"GET //other.test/a HTTP/1.1", b"GET @other.test/a HTTP/1.1",
        b"GET other.test:80 HTTP/1.1", b"OPTIONS http://other.test/ HTTP/1.1", b"GET http://other.test/a HTTP/1.0", b"GET http://other.test./a HTTP/1.1", b"GET http://other_test/a HTTP/1.1",
        b"\r\nGET / HTTP/1.1", b"\r\n\r\nGET / HTTP/1.1", b"\nGET / HTTP/1.1", b"\rGET / HTTP/1.1", b"\x00GET / HTTP/1.1", b"\xef\xbb\xbfGET / HTTP/1.1", b"GET / HTTP/1.1\nX: y", b"GET / HTTP/1.1\rX: y",
        b"GET / HTTP/1.1\r\n X: y", b"GET / HTTP/1.1\r\n\tX: y", b"GET / HTTP/1.1\r\n Host: evil", b"GET /a HTTP/1.1 HTTP/1.1", b"GET /a HTTP/1.1 /b HTTP/1.1", b"GET\n/ HTTP/1.1",
    )
)  # fmt: skip

# --- hosts and other header lines -------------------------------------------------------------------------------------

HEADERS: Final = tuple(
    b"POST /first HTTP/1.1\r\n" + lines + b"Content-Length: 5\r\n\r\nhello"
    for lines in (
        b"", b"Host:\r\n", b"Host: \r\n", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: b\r\n", b"Host: a, b\r\n", b"Host: a b\r\n", b"Host: a\tb\r\n", b"Host: a/b\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n",
        b"Host: user@a\r\n", b"Host: a:80\r\n", b"Host: a:\r\n", b"Host: a:0\r\n", b"Host: a:80:80\r\n", b"Host: a:+80\r\n", b"Host: a:x\r\n", b"Host: a:99999\r\n", b"Host: :80\r\n", b"Host: A.Test\r\n", b"Host: a.test.\r\n", b"Host: a..test\r\n",
        b"Host: .a\r\n", b"Host: .\r\n", b"Host: -a\r\n", b"Host: a-\r\n", b"Host: a_b\r\n", b"Host: [::1]\r\n", b"Host: [::1]:80\r\n", b"Host: [::1\r\n", b"Host: ::1\r\n", b"Host: [::1]x\r\n", b"Host: [x]\r\n", b"Host: [fe80::1%25eth0]\r\n",
        b"Host: a\x00b\r\n", b"Host: a\x0bb\r\n", b"Host: a\xff\r\n", b"Host: \xc3\xa9\r\n", b"Host: a%2eb\r\n", b"Host: a\\b\r\n", b"Host: a'b\r\n", b'Host: "a"\r\n', b"Host: http://a\r\n", b"Host: 127.0.0.1\r\n", b"Host: 0x7f.1\r\n", b"Host: *\r\n", b"Host: a\x7f\r\n",
        b"Host : a\r\n", b" Host: a\r\n", b"\tHost: a\r\n", b"Host\t: a\r\n", b"X: y\r\nHost: a\r\n", b"Host: a\r\n b\r\n", b"Host: a\r\n\tb\r\n", b"Host: a\r\n b: c\r\n", b"Host:\r\n a\r\n", b"Host: a\n", b"Host: a\nX: y\r\n", b"Host: a\rX: y\r\n", b"Host: a\r\r\n",
        b"Host: a\r\nX\r\n", b"Host: a\r\nX y\r\n", b"Host: a\r\n: y\r\n", b"Host: a\r\nX : y\r\n", b"Host: a\r\nX Y: z\r\n", b"Host: a\r\nX\x00: y\r\n", b"Host: a\r\nX: \x00\r\n", b"Host: a\r\nX: \x01\r\n", b"Host: a\r\nX: \x0b\r\n", b"Host: a\r\nX: \x7f\r\n", b"Host: a\r\nX: \xff\r\n",
        b"Host: a\r\nX(: y\r\n", b"Host: a\r\n\xe9: y\r\n", b"Host: a\r\nX:y\r\n", b"Host: a\r\nX:\r\n", b"Host: a\r\nX: y \t \r\n", b"Host: a\r\nX::y\r\n", b"Host: a\r\n\"X\": y\r\n", b"Host: a\r\nX: y\r\n\r", b"Host: a\r\nX: y\r\n\n", b"Host: a\r\n\nX: y\r\n",
        b"Host: a\r\nExpect: 100-continue\r\n", b"Host: a\r\nExpect: 100-Continue\r\nExpect: 100-continue\r\n", b"Host: a\r\nExpect: 200-ok\r\n", b"Host: a\r\nExpect:\r\n", b"Host: a\r\nExpect: 100-continue, x\r\n",
        b"Host: a\r\nConnection: host\r\n", b"Host: a\r\nConnection: content-length\r\n", b"Host: a\r\nConnection: close\r\n", b"Host: a\r\nConnection: keep-alive, close\r\n", b"Host: a\r\nConnection: closed\r\n", b"Host: a\r\nConnection: \"close\"\r\n",
        b"Host: a\r\nConnection: close;\r\n", b"Host: a\r\nConnection: ,close\r\n", b"Host: a\r\nConnection: keep-alive\r\nConnection: close\r\n", b"Host: a\r\nConnection: x,close ,y\r\n", b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", b"Host: a\r\nUpgrade: h2c\r\n",
        b"Host: a\r\nConnection: upgrade\r\nUpgrade: TLS/1.0\r\n", b"Host: a\r\nProxy-Connection: close\r\n", b"Host: a\r\nX-HTTP-Method-Override: GET\r\n", b"Host: a\r\nKeep-Alive: timeout=1\r\n",
    )
) + tuple(
    b"POST /first HTTP/1.0\r\n" + lines + b"Content-Length: 5\r\n\r\nhello"
    for lines in (b"", b"Host: a\r\n", b"Host: a\r\nHost: b\r\n", b"Connection: keep-alive\r\n", b"Host: a\r\nConnection: Keep-Alive\r\n", b"Host: a\r\nConnection: keep-alive, close\r\n")
)  # fmt: skip

TABLE: Final = (*FRAMINGS, *ODD_CHUNKS, *LINES, *HEADERS)

# --- new ones ---------------------------------------------------------------------------------------------------------

_PLAIN: Final = (
    post(b"Content-Length: 5\r\n", b"hello"),
    post(CHUNKED, CHUNKS),
    post(CHUNKED, b"5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n"),
    b"GET http://first.test:80/a/../b?c HTTP/1.1\r\nHost: first.test:80\r\nA: b\r\n\r\n",
    b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 42\r\n\r\n" + SMUGGLED,
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:8\r\nConnection: x\r\nX: y\r\n\r\n",
)
_BITS: Final = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b"\x00", b"\x0b", b"\x0c", b"\x1c", b"\x7f", b"\x85", b"\xa0", b"\xff", b":", b",", b";", b'"', b"/", b"\\", b"@", b"#", b"?", b"%", b"%2f", b"%2e", b"0", b"1", b"5", b"a", b"f",
    b"+", b"-", b"_", b"0x", b"chunked", b"gzip", b"Host: b\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", CHUNKED, b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.1", b"HTTP/1.0", SMUGGLED, b"0\r\n\r\n", b"..", b"//", b"*",
)  # fmt: skip


def _edited(base: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, gone, put in edits:
        at = place % (len(base) + 1)
        base = base[:at] + put + base[at + gone :]
    return base


_EDITS: Final = st.tuples(
    st.integers(0, 200), st.sampled_from((0, 0, 1, 2, 4)), st.sampled_from(_BITS) | st.binary(max_size=2)
)
MADE: Final = st.builds(_edited, st.sampled_from(_PLAIN), st.lists(_EDITS, min_size=1, max_size=3)) | st.builds(
    lambda lines, body: post(b"".join(lines), body),
    st.lists(st.sampled_from((*ODD_CODINGS, *ODD_LENGTHS, b"Connection: close\r\n", b"A: b\r\n")), min_size=1, max_size=3),
    st.lists(st.sampled_from((CHUNKS, b"5\r\nhello\r\n", b"0\r\n\r\n", b"hello", SMUGGLED, b"\r\n", b"0\r\nA: b\r\n\r\n")), max_size=4).map(b"".join),
)  # fmt: skip
