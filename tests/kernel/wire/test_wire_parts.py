"""The pure parts on their own: chunks, heads, hosts, explanations."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.wire import Limits, Refusal
from headgate.wire.body import IncomingBody
from headgate.wire.chunks import BadChunk, ChunkDecoder
from headgate.wire.head import read_head
from headgate.wire.refusal import explain, problem
from headgate.wire.target import read_host

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n%b\r\n"


@given(chunks=st.lists(st.binary(min_size=1, max_size=50), max_size=8), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_chunks_decode_to_what_was_sent_however_cut(chunks, cuts):
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\nNEXT"
    edges = sorted({0, len(coded), *(cut % (len(coded) + 1) for cut in cuts)})
    decoder = ChunkDecoder(Limits())
    said = rest = b""
    for start, end in pairwise(edges):
        piece, rest = decoder.decode(rest + coded[start:end])
        said += piece
    assert decoder.done
    assert (said, rest) == (b"".join(chunks), b"NEXT")


@given(st.binary(max_size=200))
def test_a_decoder_refuses_or_waits_but_never_crashes(data):
    decoder = ChunkDecoder(Limits())
    with suppress(BadChunk):
        piece, rest = decoder.decode(data)
        assert len(piece) + len(rest) <= len(data)


@given(st.binary(max_size=300))
def test_a_head_is_read_or_refused(data):
    try:
        head = read_head(data + b"\r\n\r\n", Limits())
    except Refusal:
        return
    assert head.path.startswith("/") or head.path == "*"


@given(st.binary(max_size=100))
def test_header_lines_are_read_or_refused(data):
    try:
        head = read_head(HEAD % (data + b"\r\n"), Limits())
    except Refusal:
        return
    for name, value in head.headers:
        assert name == name.lower()
        assert value == value.strip(b" \t")
        assert not set(value) & {0, 10, 13}


def test_a_decoder_tells_its_state():
    decoder = ChunkDecoder(Limits())
    decoder.decode(b"5\r\nhe")
    assert repr(decoder) == "<ChunkDecoder data, 3 bytes left>"


def test_a_head_tells_its_framing():
    assert repr(read_head(HEAD % b"Content-Length: 5\r\n", Limits())) == "<Head POST /a 1.1 [5 bytes]>"
    assert repr(read_head(HEAD % b"Transfer-Encoding: chunked\r\n", Limits())) == "<Head POST /a 1.1 [chunked]>"


def test_a_body_tells_its_state():
    assert repr(IncomingBody(None, Limits(), 5, continues=False)) == "<IncomingBody arriving, 0 bytes of 5>"
    assert repr(IncomingBody(None, Limits(), None, continues=False)) == "<IncomingBody arriving, 0 bytes chunked>"


@pytest.mark.parametrize(
    ("value", "host"), [(b"A.b", "a.b"), (b"a:80", "a"), (b"a:", "a"), (b"[::1]:1", "[::1]"), (b"a_b.c.", "a_b.c")]
)
def test_a_host_is_read(value, host):
    assert read_host(value) == host


@pytest.mark.parametrize(
    "value", [b"", b"a..b@", b"-a", b"a b", b"[::g]", b"[1.2.3.4]", b"a:1:2", b"a\tb", b"\xe9", b"a%41"]
)
def test_a_strange_host_is_refused(value):
    with pytest.raises(Refusal):
        read_host(value)


def test_every_refused_head_has_an_explanation():
    assert explain(b"GET / HTTP/1.1\r\nwhatever\r\n\r\n").endswith("(RFC 9112 §5).")


def test_a_problem_is_rfc_9457():
    lines, body = problem(431, "Too much.", "id")
    assert lines[0] == (b"content-type", b"application/problem+json")
    assert b'"title": "Request Header Fields Too Large"' in body
    assert b'"instance": "urn:request:id"' in body


def test_a_refusal_tells_its_rule():
    assert repr(Refusal(400, "No.")) == "<Refusal 400: No.>"


def test_what_connection_names_nobody_sees():
    head = read_head(HEAD % b"Connection: close, X-User-Id\r\nX-User-Id: root\r\nX: 1\r\n", Limits())
    assert [name for name, _ in head.headers] == [b"host", b"connection", b"x"]
    assert not head.keep_alive
