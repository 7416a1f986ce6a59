"""HTTP/3's own: what is held back, what is refused, and how connections end."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel
from doors import open_door
from h3_client import Broken, h3_client

from headgate.api import Exchange, hookimpl, step
from headgate.testing.upstreams import ScriptedUpstream
from headgate.wire.limits import Limits

POLICY = """policy 1
upstream up {{ url = "{url}" }}
route hello GET /hello public {{ respond 200 text="hello" }}
route up POST, GET /up public {{ forward up }}
"""


def endpoint_of(d):
    return d.gate.server.connections[0].endpoints[0]


class Probe:
    """A step that waits until it is told to go on."""

    go = trio.Event()

    @hookimpl
    def register_steps(self):
        return [wait]


@step("probe.wait")
async def wait(ctx: Exchange, /) -> None:
    """Wait."""
    await Probe.go.wait()


async def test_what_nobody_reads_is_not_granted_and_stalls_nobody(certified):
    Probe.go = trio.Event()
    text = POLICY.format(url="echo:").replace("{ forward up }", "{ probe.wait\n forward up }")
    async with open_door("HTTP/3", text, certified, plugins=[("probe", Probe)]) as d:
        _, slow = await d.three.begin("POST", "/up", body=b"x" * 1_500_000)
        for _ in range(10):
            assert (await d.three.send("GET", "/hello")).pieces[0] == b"hello"
        (peer,) = endpoint_of(d).live
        while sum(peer.quic.unread.values()) < Limits().h2_window_bytes // 2:
            await trio.sleep(0.01)
        assert sum(peer.quic.unread.values()) <= Limits().h2_window_bytes
        Probe.go.set()
        await slow.wait(lambda: slow.ended)
        assert b'"cut_after":65536' in b"".join(slow.pieces)
        assert (await d.gate.row(10))["bytes_in"] == 1_500_000
        assert not peer.quic.unread


async def test_a_large_answer_waits_for_its_client(certified, nursery):
    async def script(wire):
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n")
        for _ in range(20):
            await wire.send(b"y" * 100_000)

    up = await ScriptedUpstream(script).start(nursery)
    async with open_door("HTTP/3", POLICY.format(url=up.url), certified) as d:
        _, got = await d.three.begin("GET", "/up")
        most = 0
        while not got.ended:
            await got.wait(lambda: got.pieces or got.ended)
            for peer in endpoint_of(d).live:
                most = max(most, *(peer.quic.unsent(stream) for stream in peer.session.streams), 0)
            await trio.lowlevel.checkpoint()
        assert sum(map(len, got.pieces)) == 2_000_000
        assert 0 < most < 400_000


async def test_more_requests_at_once_than_granted_are_rejected(certified, nursery):
    async def script(wire):
        await wire.head()
        await trio.sleep_forever()

    up = await ScriptedUpstream(script).start(nursery)
    async with open_door("HTTP/3", POLICY.format(url=up.url), certified, limits={"h2_streams": 3}) as d:
        for _ in range(3):
            await d.three.begin("GET", "/up")
        while len(up.received) + up.opened < 3:
            await trio.sleep(0.01)
        with pytest.raises(Broken, match="0x10b"):
            await d.three.send("GET", "/hello")


async def test_other_doors_tell_of_it(certified):
    async with open_door("HTTP/3", POLICY.format(url="http://127.0.0.1:9"), certified) as d:
        port = d.gate.server.addresses[2].rsplit(":", 1)[1]
        for http2 in (False, True):
            d.client._transport._pool._http2 = http2
            got = await d.client.get(d.url + "/hello")
            assert got.headers["alt-svc"] == f'h3=":{port}"; ma=86400'


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 50, b"\xff" * 1200, b"\xc0\x00\x00\x00\x01\x08" + b"a" * 1300, b"GET / HTTP/1.1\r\n\r\n"]
)
async def test_datagrams_that_are_no_quic_are_passed_over(certified, data, caplog):
    async with open_door("HTTP/3", POLICY.format(url="http://127.0.0.1:9"), certified) as d:
        port = int(d.gate.server.addresses[2].rsplit(":", 1)[1])
        with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as sock:
            for _ in range(3):
                await sock.sendto(data, ("127.0.0.1", port))
        assert (await d.three.send("GET", "/hello")).pieces[0] == b"hello"
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "junk", [b"\x00\x05hello", b"\x01\x03\xff\xff\xff", b"\x04\x00", b"\x21" * 200, b"\x01\x00\x00\x00"]
)
async def test_bytes_that_are_no_request_end_what_sent_them(certified, junk, caplog):
    async with open_door("HTTP/3", POLICY.format(url="http://127.0.0.1:9"), certified) as d:
        d.three.quic.send_stream_data(d.three.quic.get_next_available_stream_id(), junk, end_stream=True)
        d.three.transmit()
        await trio.sleep(0.1)
        port = int(d.gate.server.addresses[2].rsplit(":", 1)[1])
        async with h3_client(port, certified.ca) as other:
            assert (await other.send("GET", "/hello")).pieces[0] == b"hello"
        assert [record for record in caplog.records if record.name.startswith("headgate")] == []


async def test_the_library_does_not_write_into_the_operator_s_log(certified, caplog):
    caplog.set_level("INFO")
    async with open_door("HTTP/3", POLICY.format(url="http://127.0.0.1:9"), certified) as d:
        await d.three.send("GET", "/hello")
        assert [record for record in caplog.records if record.name in ("quic", "http3")] == []


async def test_what_a_client_spoils_is_no_warning_of_the_library_and_one_line_of_ours_for_who_looks(certified, caplog):
    async with open_door("HTTP/3", POLICY.format(url="http://127.0.0.1:9"), certified) as d:
        caplog.set_level("DEBUG", "headgate.wire")
        port = int(d.gate.server.addresses[2].rsplit(":", 1)[1])
        async with h3_client(port, certified.ca, alpn=["no-http"]) as other:
            assert other.over
        while not [record for record in caplog.records if "is over" in record.getMessage()]:
            await endpoint_of(d).changed.park()
    (line,) = [record for record in caplog.records if "No common ALPN" in record.getMessage()]
    assert (line.name, line.levelname) == ("headgate.wire", "DEBUG")
    assert line.getMessage() == "HTTP/3 with 127.0.0.1 is over: 'No common ALPN protocols' (0x178)"
    assert [record for record in caplog.records if record.name in ("quic", "http3")] == []
