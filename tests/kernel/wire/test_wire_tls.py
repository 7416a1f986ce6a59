"""TLS under the lane: what goes in comes out, whatever the socket takes at a time; and nobody is waited for for ever."""

from __future__ import annotations

import random
import ssl
from contextlib import suppress

import pytest
import trio
import trio.testing
import trustme

from headgate.message import Client, Response
from headgate.wire.certificates import Certificates, TlsPlan
from headgate.wire.limits import Limits
from headgate.wire.pipe import StreamPipe
from headgate.wire.table import Connections
from headgate.wire.tls_pipe import TlsPipe

HOST = "a.test"
PEER = Client("192.0.2.1", 1)


@pytest.fixture(scope="module")
def ca():
    return trustme.CA()


@pytest.fixture
def certificates(ca, tmp_path):
    made = ca.issue_cert(HOST)
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    return Certificates(TlsPlan(pairs=[(tmp_path / "cert.pem", tmp_path / "key.pem")]))


def trusting(ca, alpn=("http/1.1",)):
    context = ssl.create_default_context()
    ca.configure_trust(context)
    context.set_alpn_protocols(list(alpn))
    return context


class Grudging:
    """A pipe that takes a few bytes at a time, and often none."""

    def __init__(self, below, seed):
        self._below = below
        self._random = random.Random(seed)
        self.receive, self.receive_now = below.receive, below.receive_now
        self.interrupt_receive, self.interrupt_send = below.interrupt_receive, below.interrupt_send
        self.send_eof, self.close = below.send_eof, below.close
        self.kept = b""

    def send_now(self, data):
        size = self._random.choice([0, 0, 1, 5, 100, 4000, len(data)])
        self.kept += bytes(data[:size])
        return min(size, len(data))

    async def send_some(self, data):
        if self.kept:
            kept, self.kept = self.kept, b""
            while kept:
                kept = kept[await self._below.send_some(memoryview(kept)) :]
        return await self._below.send_some(data[: self._random.choice([1, 7, 1000, 20000])])


async def lost(grudging):
    """What was taken at once goes out too."""
    while True:
        await trio.sleep(0.001)
        if grudging.kept:
            kept, grudging.kept = grudging.kept, b""
            while kept:
                kept = kept[await grudging._below.send_some(memoryview(kept)) :]


@pytest.mark.parametrize("seed", range(12))
async def test_every_byte_comes_out_once_and_in_order(ca, certificates, seed, autojump_clock):
    one, two = trio.testing.memory_stream_pair()
    shy = Grudging(StreamPipe(two), seed)
    pipe = TlsPipe(shy, certificates.context)
    client = trio.SSLStream(one, trusting(ca), server_hostname=HOST)
    chance = random.Random(seed)
    pieces = [bytes(chance.randrange(256) for _ in range(chance.choice([1, 2, 100, 17000, 70000]))) for _ in range(8)]
    got = b""

    async def serve():
        assert await pipe.handshake()
        for piece in pieces:
            rest = memoryview(piece)[pipe.send_now(piece) :]
            while rest:
                rest = rest[await pipe.send_some(rest) :]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lost, shy)
        nursery.start_soon(serve)
        while len(got) < sum(map(len, pieces)):
            got += await client.receive_some(65536)
        nursery.cancel_scope.cancel()
    assert got == b"".join(pieces)


async def test_reading_and_writing_at_once_do_not_meet(ca, certificates, autojump_clock):
    one, two = trio.testing.memory_stream_pair()
    pipe = TlsPipe(StreamPipe(two), certificates.context)
    client = trio.SSLStream(one, trusting(ca), server_hostname=HOST)
    size = 3_000_000

    async def serve():
        assert await pipe.handshake()
        async with trio.open_nursery() as both:
            both.start_soon(write)
            both.start_soon(read)

    async def write():
        rest = memoryview(b"s" * size)
        while rest:
            rest = rest[await pipe.send_some(rest) :]

    async def read():
        got = 0
        while got < size:
            got += len(await pipe.receive() or b"")

    async def say():
        await client.send_all(b"c" * size)

    async def hear():
        got = b""
        while len(got) < size:
            got += await client.receive_some(65536)
        assert got == b"s" * size

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await client.do_handshake()
        nursery.start_soon(say)
        nursery.start_soon(hear)


class Stuck(StreamPipe):
    """A pipe that takes nothing more, from a moment on."""

    stuck = False

    async def send_some(self, data):
        if not self.stuck:
            return await super().send_some(data)
        with trio.CancelScope() as self._sending:
            await trio.sleep_forever()
        return 0


class Node:
    def __init__(self, **limits):
        self.table = Connections(self.answer, Limits(**limits))

    async def answer(self, request, client, reply):
        size = int(request.query_value("size") or 5)
        await reply.send(Response(200, [], b"x" * size))


async def served(node, nursery, certificates):
    """A client's end of a connection that begins with TLS."""
    one, two = trio.testing.memory_stream_pair()
    nursery.start_soon(node.table.sweep)
    nursery.start_soon(node.table.serve_tls, StreamPipe(two), PEER, certificates)
    return one


async def test_a_handshake_that_does_not_come_is_not_waited_for(certificates, nursery, autojump_clock):
    stream = await served(Node(handshake_s=10), nursery, certificates)
    began = trio.current_time()
    assert await stream.receive_some() == b""
    assert 10 <= trio.current_time() - began <= 12


async def test_a_handshake_byte_by_byte_is_cut_off_as_a_whole(ca, certificates, nursery, autojump_clock):
    stream = await served(Node(handshake_s=10), nursery, certificates)
    session = trusting(ca).wrap_bio(ssl.MemoryBIO(), out := ssl.MemoryBIO(), server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    began = trio.current_time()
    with suppress(trio.BrokenResourceError):
        for byte in out.read():
            await stream.send_all(bytes((byte,)))
            await trio.sleep(0.5)
    assert 10 <= trio.current_time() - began <= 12


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100]
)
async def test_what_is_no_handshake_ends_the_connection(certificates, nursery, autojump_clock, garbage):
    stream = await served(Node(handshake_s=10), nursery, certificates)
    await stream.send_all(garbage)
    while await stream.receive_some():
        pass


async def test_an_answer_ends_with_tls_s_own_word(ca, certificates, nursery, autojump_clock):
    stream = trio.SSLStream(await served(Node(), nursery, certificates), trusting(ca), server_hostname=HOST)
    await stream.send_all(b"GET /?size=200000 HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
    got = b""
    while piece := await stream.receive_some():  # an end without a close_notify would be raised
        got += piece
    assert got.endswith(b"x" * 1000)
    assert len(got) > 200_000


async def test_a_client_that_reads_nothing_is_cut_off(ca, certificates, nursery, autojump_clock):
    one, two = trio.testing.memory_stream_pair()
    node, pipe = Node(write_stall_s=20), Stuck(two)
    nursery.start_soon(node.table.sweep)
    nursery.start_soon(node.table.serve_tls, pipe, PEER, certificates)
    stream = trio.SSLStream(one, trusting(ca), server_hostname=HOST)
    await stream.do_handshake()
    await trio.sleep(1)
    pipe.stuck = True
    await stream.send_all(b"GET /?size=9000000 HTTP/1.1\r\nhost: a.test\r\n\r\n")
    began = trio.current_time()
    while node.table.live:
        await trio.sleep(1)
    assert 20 <= trio.current_time() - began <= 24


async def test_a_connection_that_is_idle_closes_and_says_so(ca, certificates, nursery, autojump_clock):
    stream = trio.SSLStream(await served(Node(idle_s=30), nursery, certificates), trusting(ca), server_hostname=HOST)
    await stream.send_all(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
    got = b""
    began = trio.current_time()
    while piece := await stream.receive_some():
        got += piece
    assert got.endswith(b"xxxxx")
    assert 29 <= trio.current_time() - began <= 32
