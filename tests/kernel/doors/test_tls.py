"""TLS: what is spoken, which certificate is shown, who may come in, and how certificates are renewed."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import trio
import trustme
from doors import Certified, open_door

from headgate.errors import SettingsError
from headgate.host.settings import CertificateSettings, Settings, TlsSettings
from headgate.serve import certificates_of
from headgate.wire.certificates import Certificates, TlsPlan
from headgate_log.lines import text_line

POLICY = """policy 1
route hello GET /hello public { respond 200 text="hello" }
route peer GET /peer { auth.mtls as peer
    respond 200 json={name: peer.name, dns: peer.dns, print: peer.fingerprint, caller: caller.id, kind: caller.kind} }
route only GET /only { auth.mtls names=["nobody"]
    respond 200 }
"""


def shake(port, certified, *, name="127.0.0.1", alpn=("h2", "http/1.1"), version=None):
    """A handshake with OpenSSL itself; the session."""
    context = certified.context()
    context.check_hostname = False
    context.set_alpn_protocols(list(alpn))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=name) as session,
    ):
        return {
            "alpn": session.selected_alpn_protocol(),
            "version": session.version(),
            "names": {value for _, value in session.getpeercert()["subjectAltName"]},
        }


def port_of(door):
    return int(door.url.rsplit(":", 1)[1])


@pytest.mark.parametrize(
    ("alpn", "chosen"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), (("http/1.1", "h2"), "h2")]
)
async def test_alpn_chooses_http_2_where_the_client_knows_it(certified, alpn, chosen):
    async with open_door("HTTP/2", POLICY, certified) as d:
        got = await trio.to_thread.run_sync(lambda: shake(port_of(d), certified, alpn=alpn))
        assert got["alpn"] == chosen


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two.test", "two.test"),
        ("TWO.test", "two.test"),
        ("a.two.test", "two.test"),
        ("a.b.two.test", "one.test"),
        ("one.test", "one.test"),
        ("elsewhere.test", "one.test"),
    ],
)
async def test_the_name_that_is_asked_for_chooses_the_certificate(certified, name, shown):
    cert, key = certified.pair("two")
    async with open_door(
        "HTTP/2", POLICY, certified, tls={"certificates": [CertificateSettings(cert=cert, key=key)]}
    ) as d:
        got = await trio.to_thread.run_sync(lambda: shake(port_of(d), certified, name=name))
        assert shown in got["names"]


async def test_old_versions_of_tls_are_not_spoken(certified):
    async with open_door("HTTP/2", POLICY, certified, tls={"minimum": "1.3"}) as d:
        with pytest.raises((ssl.SSLError, OSError)):
            await trio.to_thread.run_sync(lambda: shake(port_of(d), certified, version=ssl.TLSVersion.TLSv1_2))
        got = await trio.to_thread.run_sync(lambda: shake(port_of(d), certified))
        assert got["version"] == "TLSv1.3"


@pytest.mark.parametrize("door", ["HTTP/1.1 over TLS", "HTTP/2"])
async def test_a_client_s_certificate_is_a_fact(certified, door):
    mutual = {"client_ca": certified.ca, "client_auth": "request"}
    async with open_door(door, POLICY, certified, tls=mutual, client="client") as d:
        got = await d.send("GET", "/peer")
        assert got.status == 200
        said = httpx.Response(200, content=got.body).json()
        assert (said["name"], said["dns"], said["kind"]) == ("client", ["spiffe.test"], "mtls")
        assert len(said["print"]) == 64
        assert (await d.send("GET", "/only")).status == 403
        assert (await d.gate.row(0))["caller"] == "client"
    async with open_door(door, POLICY, certified, tls=mutual) as d:
        assert (await d.send("GET", "/peer")).status == 403
        assert (await d.send("GET", "/hello")).status == 200


async def test_a_required_certificate_ends_the_handshake_of_who_has_none(certified):
    async with open_door("HTTP/1.1 over TLS", POLICY, certified, tls={"client_ca": certified.ca}) as d:
        with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
            await d.send("GET", "/hello")


async def test_a_certificate_of_a_stranger_s_ca_is_refused(certified, tmp_path):
    stranger = trustme.CA()
    cert = stranger.issue_cert("who.test")
    cert.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "who.pem"))
    async with open_door("HTTP/1.1 over TLS", POLICY, certified, tls={"client_ca": certified.ca}) as d:
        context = certified.context()
        context.load_cert_chain(str(tmp_path / "who.pem"))
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
                await client.get(d.url + "/hello")


async def test_clear_text_on_a_tls_port_is_no_request(certified):
    async with open_door("HTTP/1.1 over TLS", POLICY, certified) as d:
        got = b""
        async with await trio.open_tcp_stream("127.0.0.1", port_of(d)) as stream:
            await stream.send_all(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n")
            with trio.fail_after(5), suppress(trio.BrokenResourceError):
                while data := await stream.receive_some():
                    got += data
        assert b"HTTP/1.1" not in got


def fresh(folder, names, ca=None):
    ca = ca or trustme.CA()
    cert = ca.issue_cert(*names)
    cert.private_key_pem.write_to_path(str(folder / "key.pem"))
    for at, pem in enumerate(cert.cert_chain_pems):
        pem.write_to_path(str(folder / "cert.pem"), append=at > 0)
    return ca


def test_renewed_files_are_read_and_broken_ones_change_nothing(tmp_path: Path) -> None:
    fresh(tmp_path, ["old.test"])
    held = Certificates(TlsPlan(pairs=[(tmp_path / "cert.pem", tmp_path / "key.pem")]))
    first = held.find("old.test")
    assert held.refresh() is False
    fresh(tmp_path, ["new.test"])
    assert held.refresh() is True
    assert held.find("new.test") is not first
    (tmp_path / "cert.pem").write_text("-----BEGIN NONSENSE-----\n")
    second = held.context
    assert held.refresh() is False, "its key may be on its way"
    with pytest.raises(SettingsError, match="cannot be used"):
        held.refresh()
    assert held.context is second
    assert held.refresh() is False, "the same broken file is complained of once"


def test_a_certificate_waits_for_its_key_and_the_old_one_goes_on(tmp_path: Path) -> None:
    fresh(tmp_path, ["old.test"])
    held = Certificates(TlsPlan(pairs=[(tmp_path / "cert.pem", tmp_path / "key.pem")]))
    old = held.context
    (tmp_path / "new").mkdir()
    fresh(tmp_path / "new", ["new.test"])
    shutil.move(tmp_path / "new" / "cert.pem", tmp_path / "cert.pem")
    assert held.refresh() is False
    assert held.context is old
    shutil.move(tmp_path / "new" / "key.pem", tmp_path / "key.pem")
    assert held.refresh() is True
    assert held.find("new.test") is not old
    fresh(tmp_path / "new", ["newer.test"])
    shutil.move(tmp_path / "new" / "cert.pem", tmp_path / "cert.pem")
    assert held.refresh() is False
    with pytest.raises(SettingsError, match="cannot be used: the key is another certificate's"):
        held.refresh()


HANDSHAKES = [
    ("none", "it shows no certificate, and `tls.client_ca` wants one of every client"),
    ("stranger", "its certificate does not hold \\(.*\\): `tls.client_ca` has not signed it"),
    ("clear", "it speaks HTTP in the clear on a port for TLS: its URL has to begin with https://"),
    ("garbage", "what it sends is no TLS"),
    ("old", "it speaks only versions of TLS below `tls.minimum`"),
    ("distrusts", "it does not trust our certificate"),
]


@pytest.mark.parametrize(("who", "said"), HANDSHAKES, ids=[who for who, _ in HANDSHAKES])
async def test_why_there_is_no_tls_is_said_so_that_who_runs_the_node_understands_it(
    certified, tmp_path, caplog, who, said
):
    caplog.set_level("INFO", "headgate.wire")
    needs = {} if who in ("old", "distrusts") else {"client_ca": certified.ca}

    def client(port):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as sock:
            if who in ("clear", "garbage"):
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n" if who == "clear" else b"SSH-2.0-x\r\n")
                while sock.recv(1000):
                    pass
            else:
                context = ssl.create_default_context() if who == "distrusts" else certified.context()
                if who == "stranger":
                    pair = tmp_path / "who.pem"
                    trustme.CA().issue_cert("who.test").private_key_and_cert_chain_pem.write_to_path(str(pair))
                    context.load_cert_chain(pair)
                if who == "old":
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                with context.wrap_socket(sock, server_hostname="127.0.0.1") as secure:
                    secure.recv(1000)  # TLS 1.3 is done for the client before it is for us

    async with open_door("HTTP/1.1 over TLS", POLICY, certified, tls={**needs, "minimum": "1.3"}) as d:
        await trio.to_thread.run_sync(client, port_of(d))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "headgate.wire"]
    assert re.fullmatch(rf"no TLS with 127\.0\.0\.1: {said}.*", line)


async def test_tls_on_a_port_in_the_clear_is_named_and_so_is_who_began_with_it(certified):
    async with open_door("HTTP/1.1", POLICY, certified) as d:

        def client():
            with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", port_of(d)), 5) as sock:
                certified.context().wrap_socket(sock, server_hostname="127.0.0.1")

        await trio.to_thread.run_sync(client)
        row = await d.gate.row(0)
    assert row["error"].startswith(
        "The client begins with TLS, and this port is in the clear: write http:// in its URL"
    )
    assert " - 400 0µs - 127.0.0.1 refused " in text_line(row)


async def test_a_renewed_certificate_is_shown_without_a_restart(certified, tmp_path, autojump_clock, caplog):
    caplog.set_level("INFO", "headgate")
    folder = tmp_path / "renewed"
    folder.mkdir()
    for name in ("one.pem", "one.key", "ca.pem", "client.pem", "client.key"):
        shutil.copy(certified.folder / name, folder / name)
    async with open_door("HTTP/1.1 over TLS", POLICY, Certified(folder)) as d:
        assert (await d.send("GET", "/hello")).status == 200
        ca = fresh(folder, ["127.0.0.1", "renewed.test"])
        ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        shutil.move(folder / "cert.pem", folder / "one.pem")
        shutil.move(folder / "key.pem", folder / "one.key")
        assert (await d.send("GET", "/hello")).status == 200, "a connection that is open stays"
        for _ in range(1000):  # files are read in a thread, which the clock that jumps does not wait for
            await trio.sleep(3)
            await trio.to_thread.run_sync(bool)
            if "were read again" in caplog.text:
                break
        got = await trio.to_thread.run_sync(lambda: shake(port_of(d), Certified(folder)))
        assert "renewed.test" in got["names"]
        assert re.search(r"were read again: renewed\.test until \d{4}-\d\d-\d\d", caplog.text)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "cannot be used: no such file"),
        ({"cert.pem": "x", "key.pem": "y"}, "cannot be used: the one is no chain of certificates in pem, or"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, files, why):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError) as caught:
        Certificates(TlsPlan(pairs=[(tmp_path / "cert.pem", tmp_path / "key.pem")]))
    assert why in str(caught.value).lower()
    assert "cert.pem" in str(caught.value)


def test_client_auth_needs_a_ca(certified):
    cert, key = certified.pair("one")
    with pytest.raises(SettingsError, match=r"`tls.client_auth` needs `tls.client_ca`"):
        Certificates(TlsPlan(pairs=[(Path(cert), Path(key))], client_auth="require"))


@pytest.mark.parametrize(
    ("asks", "why"),
    [
        ({"client_auth": "require"}, r"`tls.client_auth` is `require`, and `bind_quic` cannot .* say `request`"),
        ({}, r"`tls.client_ca` makes every client .* `bind_quic` cannot .* set `tls.client_auth` to `request`"),
    ],
)
def test_a_required_certificate_and_http3_are_refused_together(certified, asks, why):
    cert, key = certified.pair("one")
    tls = {"cert": cert, "key": key, "client_ca": certified.ca}
    with pytest.raises(SettingsError, match=why):
        certificates_of(Settings(bind_quic=["127.0.0.1:0"], tls=TlsSettings(**tls, **asks)))
    certificates_of(Settings(bind_quic=["127.0.0.1:0"], tls=TlsSettings(**tls, client_auth="request")))
    certificates_of(Settings(bind_tls=["127.0.0.1:0"], tls=TlsSettings(**tls, **asks)))


def test_tls_without_a_certificate_says_what_to_set():
    with pytest.raises(SettingsError, match=r"set `tls.cert` and `tls.key`"):
        Certificates(TlsPlan(pairs=[]))
