"""Heads of HTTP/2 and HTTP/3, as facts or as refusals."""

from __future__ import annotations

import pytest

from headgate.wire.h2_head import read_h2_head
from headgate.wire.limits import Limits
from headgate.wire.refusal import Refusal

GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/a%20b?x=1"), (b":authority", b"A.test:81")]


def read(*more, lines=GET, tls=False):
    return read_h2_head([*lines, *more], Limits(), tls=tls)


def test_a_head_says_what_it_says():
    head = read((b"content-length", b"7"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x", b"1"))
    assert (head.method, head.path, head.raw_path, head.query) == ("GET", "/a b", b"/a%20b", b"x=1")
    assert (head.host, head.length, head.upgrade) == ("a.test", 7, None)
    assert head.headers.lines == [
        (b"content-length", b"7"), (b"x", b"1"), (b"cookie", b"a=1; b=2"), (b"host", b"A.test:81")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ([(b"host", b"b.test")], 400),
        ([(b"host", b"a.test:81"), (b"host", b"a.test:81")], 400),
        ([(b"content-length", b"1"), (b"content-length", b"1")], 400),
        ([(b"content-length", b"-1")], 400),
        ([(b"x", b"a\rb")], 400),
        ([(b"x", b" a")], 400),
        ([(b"x y", b"a")], 400),
        ([(b"expect", b"tea")], 417),
        ([(b"x", b"a" * 20_000)], 431),
    ],
)
def test_what_breaks_a_rule_is_refused(more, status):
    with pytest.raises(Refusal) as caught:
        read(*more)
    assert caught.value.status == status


def test_authority_and_host_that_differ_are_refused():
    with pytest.raises(Refusal, match="differ"):
        read((b"host", b"b.test"))
    assert read((b"host", b"a.TEST:81")).host == "a.test"


def test_a_host_line_alone_is_enough():
    assert read((b"host", b"b.test"), lines=GET[:3]).host == "b.test"
    with pytest.raises(Refusal, match="one host"):
        read(lines=GET[:3])


def test_the_scheme_is_the_connection_s():
    with pytest.raises(Refusal) as caught:
        read(tls=True)
    assert caught.value.status == 421


@pytest.mark.parametrize(
    ("method", "protocol", "upgrade"),
    [
        (b"CONNECT", b"websocket", "websocket"),
        (b"CONNECT", None, None),
        (b"CONNECT", b"chess", None),
        (b"TRACE", None, None),
    ],
)
def test_connect_is_for_websockets_alone(method, protocol, upgrade):
    lines = [(b":method", method), *GET[1:], *([(b":protocol", protocol)] if protocol else [])]
    if upgrade is None:
        with pytest.raises(Refusal) as caught:
            read(lines=lines)
        assert caught.value.status == 501
    else:
        head = read(lines=lines)
        assert (head.method, head.upgrade) == ("GET", upgrade)
