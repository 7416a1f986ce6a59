"""TLS to upstreams: who is believed, and what is said where nobody is."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import UpstreamFault
from headgate.message import read_all
from headgate.testing.upstreams import Script, ScriptedUpstream, Wire, answer, reply, says
from headgate.upstream import Dialer, Egress, Http1Transport, TlsContexts

GET = Outgoing("GET", b"/x", [])


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


async def secure(ca: trustme.CA, nursery: trio.Nursery, *scripts: Script, name: str = "127.0.0.1") -> ScriptedUpstream:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return await ScriptedUpstream(*scripts, tls=context).start(nursery)


def trusting(target: Target, ca_file: str) -> Target:
    return replace(target, ca_file=ca_file)


async def test_a_certificate_of_the_target_s_ca_is_accepted_and_its_connection_reused(
    ca: trustme.CA, ca_file: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await secure(ca, nursery, reply(200, b"hello"))
    for _ in range(3):
        response = await transport.send(trusting(upstream.target, ca_file), GET, Timeouts())
        assert response.body == b"hello"
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert upstream.opened == 1


async def test_bodies_stream_both_ways(
    ca: trustme.CA, ca_file: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await secure(ca, nursery, reply(200, b"y" * 3_000_000))
    outgoing = Outgoing("PUT", b"/", [], b"x" * 3_000_000)
    response = await transport.send(trusting(upstream.target, ca_file), outgoing, Timeouts())
    assert not isinstance(response.body, bytes)
    assert await read_all(response.body, 3_000_000) == b"y" * 3_000_000
    assert upstream.received[0].body == b"x" * 3_000_000


async def test_an_unknown_ca_is_named(ca: trustme.CA, transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await secure(ca, nursery)
    with pytest.raises(UpstreamFault, match="its certificate is not accepted") as caught:
        await transport.send(upstream.target, GET, Timeouts())
    assert (caught.value.kind, caught.value.sent) == ("upstream.unreachable", False)
    assert caught.value.record == {"target": upstream.url, "phase": "connect"}
    assert upstream.received == []


async def test_a_certificate_for_another_host_is_not_accepted(
    ca: trustme.CA, ca_file: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await secure(ca, nursery, name="other.test")
    with pytest.raises(UpstreamFault, match=r"certificate is not accepted .*127\.0\.0\.1") as caught:
        await transport.send(trusting(upstream.target, ca_file), GET, Timeouts())
    assert caught.value.kind == "upstream.unreachable"


async def test_the_name_of_the_target_is_sent_and_checked_not_the_host_line(
    ca: trustme.CA, ca_file: str, nursery: trio.Nursery
) -> None:
    names: list[str | None] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("orders.test").configure_cert(context)
    context.sni_callback = lambda session, name, context: names.append(name)
    upstream = await ScriptedUpstream(reply(), tls=context).start(nursery)

    async def resolve(host: str, port: int) -> list[object]:
        return [(2, ("127.0.0.1", upstream.port))]

    transport = Http1Transport(Egress(), dialer=Dialer(Egress(), resolve=resolve))  # type: ignore[arg-type]
    target = Target.parse("https://orders.test", ca_file=ca_file)
    await transport.send(target, Outgoing("GET", b"/", [(b"host", b"public.test")]), Timeouts())
    assert names == ["orders.test"]
    assert upstream.received[0].headers.get(b"host") == b"public.test"
    await transport.aclose()


async def test_a_clear_server_behind_https_is_named(transport: Http1Transport, nursery: trio.Nursery) -> None:
    async def script(wire: Wire) -> None:
        await wire.receive()
        await wire.send(answer(400, b"plain"))

    upstream = await ScriptedUpstream(script).start(nursery)
    with pytest.raises(UpstreamFault, match="TLS handshake failed") as caught:
        await transport.send(replace(upstream.target, scheme="https"), GET, Timeouts())
    assert caught.value.kind == "upstream.unreachable"


async def test_a_connection_that_breaks_in_the_handshake_is_named(
    transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.receive()
        await wire.reset()

    upstream = await ScriptedUpstream(script).start(nursery)
    with pytest.raises(UpstreamFault, match="broke in the TLS handshake"):
        await transport.send(replace(upstream.target, scheme="https"), GET, Timeouts())


async def test_an_end_without_notice_does_not_end_a_body(
    ca: trustme.CA, ca_file: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    upstream = await secure(ca, nursery, says(b"HTTP/1.1 200 OK\r\n\r\nhello"))
    response = await transport.send(trusting(upstream.target, ca_file), GET, Timeouts())
    assert not isinstance(response.body, bytes)
    with pytest.raises(UpstreamFault, match="broke off its answer"):
        await read_all(response.body, 100)


async def test_an_end_with_notice_ends_a_body(
    ca: trustme.CA, ca_file: str, transport: Http1Transport, nursery: trio.Nursery
) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await wire.close()

    upstream = await secure(ca, nursery, script)
    response = await transport.send(trusting(upstream.target, ca_file), GET, Timeouts())
    assert not isinstance(response.body, bytes)
    assert await read_all(response.body, 100) == b"hello"


def test_a_context_is_built_once_for_each_ca_file(ca_file: str) -> None:
    contexts = TlsContexts()
    assert contexts.get(ca_file) is contexts.get(ca_file)
    assert contexts.get() is not contexts.get(ca_file)
    assert repr(contexts) == "<TlsContexts http/1.1 [2 built]>"


async def test_a_ca_file_that_is_not_there_is_named(transport: Http1Transport, nursery: trio.Nursery) -> None:
    upstream = await ScriptedUpstream(reply()).start(nursery)
    target = replace(upstream.target, scheme="https", ca_file="missing.pem")
    with pytest.raises(UpstreamFault, match=r"the CA file missing.pem cannot be used") as caught:
        await transport.send(target, GET, Timeouts())
    assert caught.value.kind == "upstream.unreachable"
