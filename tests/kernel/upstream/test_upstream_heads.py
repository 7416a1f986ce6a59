"""A request's head as it is written, an answer's as it is judged."""

from __future__ import annotations

import pytest

from headgate.contracts.transport import Outgoing, Target
from headgate.errors import ClientFault, InternalError
from headgate.message.headers import Line
from headgate.upstream.chunks import Malformed
from headgate.upstream.heads import HEAD_BYTES, Head, request_head, travelling

TARGET = Target.parse("http://orders.test:8080/base/")


def head_of(
    method: str = "GET", path: bytes = b"/a?b=c", headers: list[Line] | None = None, length: int | None = 0
) -> bytes:
    return request_head(TARGET, Outgoing(method, path, headers or []), length)


def test_a_request_goes_below_the_base_path_with_the_target_s_host() -> None:
    assert head_of() == b"GET /base/a?b=c HTTP/1.1\r\nhost: orders.test:8080\r\n\r\n"


def test_a_host_line_overrides_the_target_s_name() -> None:
    assert b"\r\nhost: public.test\r\n" in head_of(headers=[(b"host", b"public.test")])
    assert head_of(headers=[(b"host", b"public.test")]).count(b"host:") == 1


@pytest.mark.parametrize(
    ("method", "length", "line"),
    [
        ("GET", 0, b""),
        ("DELETE", 0, b""),
        ("POST", 0, b"content-length: 0\r\n"),
        ("PUT", 7, b"content-length: 7\r\n"),
        ("GET", 3, b"content-length: 3\r\n"),
        ("POST", None, b"transfer-encoding: chunked\r\n"),
    ],
)
def test_the_transport_frames_the_body(method: str, length: int | None, line: bytes) -> None:
    lied = [(b"content-length", b"999"), (b"transfer-encoding", b"gzip"), (b"expect", b"100-continue")]
    expected = b"%b /base/a?b=c HTTP/1.1\r\nhost: orders.test:8080\r\n%b\r\n" % (method.encode(), line)
    assert head_of(method, headers=lied, length=length) == expected


def test_hop_by_hop_lines_and_those_that_connection_names_stay_here() -> None:
    lines = [
        (b"connection", b"close, X-Hop"),
        (b"x-hop", b"1"),
        (b"keep-alive", b"5"),
        (b"te", b"gzip"),
        (b"x-end", b"2"),
    ]
    assert head_of(headers=lines) == b"GET /base/a?b=c HTTP/1.1\r\nhost: orders.test:8080\r\nx-end: 2\r\n\r\n"


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b"])
@pytest.mark.parametrize("name", [b"x-note", b"host"])
def test_a_value_that_would_break_a_line_is_the_client_s_fault(name: bytes, value: bytes) -> None:
    with pytest.raises(ClientFault, match=name.decode()) as caught:
        head_of(headers=[(b"x-fine", b"1"), (name, value)])
    assert caught.value.kind == "request.invalid"
    assert caught.value.record == {"where": name.decode()}


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r\nb", "é".encode(), b"a\0"])
def test_a_name_that_is_no_token_is_a_bug(name: bytes) -> None:
    with pytest.raises(InternalError, match="not a token"):
        head_of(headers=[(name, b"1")])


@pytest.mark.parametrize("path", [b"", b"a", b"/a b", b"/a\r\nb", b"/a#b", "/é".encode(), b"http://x/"])
def test_a_path_that_is_not_encoded_is_a_bug(path: bytes) -> None:
    with pytest.raises(InternalError, match="not encoded"):
        head_of(path=path)


@pytest.mark.parametrize("method", ["", "GET /", "CONNECT", "GÉT", "A\r\nB"])
def test_a_method_that_cannot_travel_is_a_bug(method: str) -> None:
    with pytest.raises(InternalError, match="method"):
        head_of(method)


def read(data: bytes, split: int | None = None) -> Head:
    head = Head()
    for at in range(0, len(data), split or len(data)):
        head.feed(data[at : at + (split or len(data))])
    return head


GOOD = b"HTTP/1.1 200 OK\r\nServer: x \r\nEmpty:\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize("split", range(1, len(GOOD) + 1))
def test_a_head_is_the_same_however_it_is_split(split: int) -> None:
    head = read(GOOD, split)
    assert repr(head) == "<Head [200, 3 lines]>"
    assert head.lines == [(b"server", b"x"), (b"empty", b""), (b"content-length", b"5")]


@pytest.mark.parametrize("split", range(1, len(GOOD) + 1))
def test_what_comes_behind_the_empty_line_is_not_the_head_s(split: int) -> None:
    head = Head()
    data = GOOD + b"hello"
    head.feed(data[:split])
    if not head.complete:
        head.feed(data[split:])
        assert head.rest == b"hello"
    assert repr(Head()) == "<Head [0 bytes so far]>"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        b"HTTP/1.1 600 No\r\n\r\n",
        b"HTTP/1.1 200 OK\nA: b\n\n",
        b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
    ],
)
def test_a_head_that_is_not_http_1_1_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data).body("GET")


@pytest.mark.parametrize(
    "lines",
    [
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Content-Length: 5, 5",
        b"Content-Length: ",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: 9223372036854775808",
        b"Content-Length: 0x5",
    ],
)
def test_a_framing_with_two_readings_is_refused(lines: bytes) -> None:
    with pytest.raises(Malformed):
        read(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n\r\n").body("GET")


def test_chunks_over_http_1_0_are_refused() -> None:
    with pytest.raises(Malformed, match="transfer coding"):
        read(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").body("GET")


@pytest.mark.parametrize("split", [None, 1000])
def test_a_head_without_end_is_refused(split: int | None) -> None:
    with pytest.raises(Malformed, match="head of more than"):
        read(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * HEAD_BYTES, split)


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(Malformed, match="header lines"):
        read(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n")


@pytest.mark.parametrize(
    ("first", "connection", "kept"),
    [
        (b"HTTP/1.1", b"", True),
        (b"HTTP/1.1", b"Connection: Close\r\n", False),
        (b"HTTP/1.1", b"Connection: x, close\r\n", False),
        (b"HTTP/1.1", b"Connection: x\r\nConnection: close\r\n", False),
        (b"HTTP/1.0", b"", False),
        (b"HTTP/1.0", b"Connection: Keep-Alive\r\n", True),
    ],
)
def test_a_connection_persists_as_rfc_9112_says(first: bytes, connection: bytes, kept: bool) -> None:
    decoder, persistent = read(first + b" 200 OK\r\nContent-Length: 5\r\n" + connection + b"\r\n").body("GET")
    assert (decoder.length, persistent) == (5, kept)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_some_answers_have_no_body_whatever_they_say(method: str, status: int) -> None:
    decoder, persistent = read(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status).body(method)
    assert (decoder.done, persistent) == (True, True)


def test_a_length_travels_only_where_there_is_no_body() -> None:
    lines = [(b"content-length", b"5"), (b"connection", b"x-hop"), (b"x-hop", b"1"), (b"date", b"now")]
    assert travelling(lines, bodiless=False) == [(b"date", b"now")]
    assert travelling(lines, bodiless=True) == [(b"content-length", b"5"), (b"date", b"now")]
