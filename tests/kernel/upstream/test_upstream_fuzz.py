"""Whatever an upstream sends: no call hangs, nothing but a fault comes out, and what was cut is never whole."""

from __future__ import annotations

import itertools

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.contracts.transport import Outgoing, Timeouts
from headgate.errors import UpstreamFault
from headgate.message import read_all
from headgate.testing.upstreams import ScriptedUpstream, says
from headgate.upstream import Egress, Http1Transport
from headgate.upstream.chunks import Decoder, Malformed
from headgate.upstream.heads import Head

LINES = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: 50\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"A: b\r\n",
        b"A : b\r\n",
        b"Content-Length: 5, 5\r\n",
        b"\r\n",
        b"\n",
        b"Transfer-Encoding: x\r\n",
    ]
)
BODIES = st.sampled_from(
    [
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"0\r\nT: x\r\n\r\n",
        b"fffff\r\n",
        b"\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ]
)
STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 204 No\r\n", b"HTTP/1.1 304 X\r\n"]
)
ANSWERS = st.builds(
    lambda status, lines, body, noise: b"".join([*status, *lines, b"\r\n", *body, noise]),
    st.lists(STATUS, min_size=1, max_size=3),
    st.lists(LINES, max_size=4),
    st.lists(BODIES, max_size=4),
    st.binary(max_size=20),
)


async def outcome(data: bytes) -> None:
    async with trio.open_nursery() as nursery:
        upstream = await ScriptedUpstream(says(data)).start(nursery)
        transport = Http1Transport(Egress())
        with trio.fail_after(5):
            try:
                response = await transport.send(upstream.target, Outgoing("GET", b"/", []), Timeouts())
                if not isinstance(response.body, bytes):
                    await read_all(response.body, 1 << 20)
            except UpstreamFault as fault:
                assert fault.kind == "upstream.protocol"  # noqa: PT017 either outcome is fine
        await transport.aclose()
        (pool,) = transport.pools()
        assert pool.active == 0
        nursery.cancel_scope.cancel()


@settings(max_examples=60, deadline=None)
@given(data=ANSWERS | st.binary(max_size=200))
def test_whatever_comes_a_call_ends_in_an_answer_or_a_fault(data: bytes) -> None:
    trio.run(outcome, data)


def read(data: bytes, cuts: list[int]) -> tuple[object, ...]:
    """Head, body, and how it ended, in the pure half."""
    head, decoder, body = Head(), None, b""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    try:
        for a, b in itertools.pairwise(edges):
            piece = data[a:b]
            while not head.complete and piece:
                head.feed(piece)
                piece = head.rest
                if head.complete and head.interim:
                    head = Head()
            if head.complete and decoder is None:
                decoder = head.body("GET")[0]
            if decoder is not None and not decoder.done and piece:
                body += decoder.feed(piece)
        if decoder is None:
            return ("cut",)
        return (head.status, head.lines, body, finish(decoder))
    except Malformed:
        return ("malformed",)


def finish(decoder: Decoder) -> str:
    if decoder.done:
        return "whole"
    try:
        decoder.end()
    except Malformed:
        return "cut"
    return "ended"


@settings(max_examples=500, deadline=None)
@given(data=ANSWERS, cuts=st.lists(st.integers(0, 400), max_size=6))
def test_where_the_network_cuts_changes_nothing(data: bytes, cuts: list[int]) -> None:
    assert read(data, cuts) == read(data, [])


@settings(max_examples=300, deadline=None)
@given(body=st.lists(st.binary(min_size=1, max_size=40), max_size=5), end=st.integers(0, 1000))
def test_a_chunked_answer_cut_anywhere_is_never_whole(body: list[bytes], end: int) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body)
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert read(data, [])[2:] == (b"".join(body), "whole")
    assert read(data[: end % len(data)], [])[-1] == "cut"
