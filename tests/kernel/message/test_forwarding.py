"""What of a request travels on, and what an upstream may believe about who sent it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from headgate.message import BytesBody, Client, Headers, Request
from headgate.message.forwarding import forwarded_element, heed_connection, is_trusted, outgoing_headers
from headgate.message.headers import Line

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
STRANGER = Client("203.0.113.9", 40000)
PROXY = Client("10.0.0.7", 40000)


def sent(
    lines: list[Line], client: Client = STRANGER, *, host: str = "api.test", scheme: str = "https"
) -> dict[bytes, list[bytes]]:
    request = Request(
        method="GET",
        path="/",
        raw_path=b"/",
        query_string=b"",
        host=host,
        scheme=scheme,
        headers=Headers(lines),
        body=BytesBody(),
        id="r1",
    )
    found: dict[bytes, list[bytes]] = {}
    for name, value in outgoing_headers(request, client, trusted=PROXIES):
        found.setdefault(name, []).append(value)
    return found


def test_the_peer_is_named_to_the_upstream() -> None:
    assert sent([]) == {
        b"x-forwarded-for": [b"203.0.113.9"],
        b"x-forwarded-proto": [b"https"],
        b"x-forwarded-host": [b"api.test"],
        b"forwarded": [b"for=203.0.113.9;proto=https;host=api.test"],
        b"via": [b"1.1 headgate"],
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [(b"api.test:8443", b"api.test:8443"), (b"API.test:80", b"API.test:80"), (b"evil.test:80", b"api.test")],
)
def test_the_upstream_is_told_the_port_that_the_client_asked(said: bytes, told: bytes) -> None:
    found = sent([(b"host", said)])
    assert found[b"x-forwarded-host"] == [told]
    assert b"host=" + (b'"%b"' % told if b":" in told else told) in found[b"forwarded"][0]


@pytest.mark.parametrize(
    "name",
    [
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"host",
        b"content-length",
        b"expect",
    ],
)
def test_hop_by_hop_and_framing_lines_stay_here(name: bytes) -> None:
    assert name not in sent([(name, b"x")])


def test_lines_that_connection_names_end_here() -> None:
    named = [(b"connection", b"close, X-Hop"), (b"connection", b"x-hop2"), (b"x-hop", b"1"), (b"x-hop2", b"1")]
    headers = Headers([*named, (b"x", b"1")])
    heed_connection(headers)
    assert headers.lines == [*named[:2], (b"x", b"1")]


@pytest.mark.parametrize("value", [b"x-user-id", b"close, X-User-Id", b"via, forwarded, x-forwarded-for, x-user-id"])
def test_what_a_policy_sets_no_connection_line_takes_away(value: bytes) -> None:
    found = sent([(b"connection", value), (b"x-user-id", b"ana")])
    assert found[b"x-user-id"] == [b"ana"]
    assert found[b"x-forwarded-for"] == [b"203.0.113.9"]


SPOOFED = [
    (b"x-forwarded-for", b"1.1.1.1"),
    (b"x-forwarded-proto", b"http"),
    (b"x-forwarded-host", b"evil.test"),
    (b"x-forwarded-port", b"1"),
    (b"x-forwarded-prefix", b"/admin"),
    (b"forwarded", b"for=1.1.1.1"),
    (b"x-real-ip", b"1.1.1.1"),
    (b"true-client-ip", b"1.1.1.1"),
    (b"cf-connecting-ip", b"1.1.1.1"),
]
RESPELT = [(b"x_forwarded_for", b"1.1.1.1"), (b"x-forwarded_for", b"1.1.1.1"), (b"x-real_ip", b"1.1.1.1")]


def test_a_stranger_s_word_about_itself_is_dropped() -> None:
    assert sent(SPOOFED) == sent([])
    assert sent(RESPELT) == sent([])


def test_a_trusted_proxy_s_word_is_kept_and_the_proxy_appended() -> None:
    found = sent([*SPOOFED, (b"x-forwarded-for", b"2.2.2.2")], PROXY)
    assert found[b"x-forwarded-for"] == [b"1.1.1.1, 2.2.2.2, 10.0.0.7"]
    assert found[b"forwarded"] == [b"for=1.1.1.1, for=10.0.0.7;proto=https;host=api.test"]
    assert found[b"x-forwarded-proto"] == [b"http"]
    assert found[b"x-real-ip"] == [b"1.1.1.1"]


def test_via_is_appended_in_one_line() -> None:
    assert sent([(b"via", b"1.0 a"), (b"via", b"1.1 b")])[b"via"] == [b"1.0 a, 1.1 b, 1.1 headgate"]


@pytest.mark.parametrize(
    ("ip", "scheme", "host", "element"),
    [
        ("2001:db8::1", "http", "api.test", b'for="[2001:db8::1]";proto=http;host=api.test'),
        ("192.0.2.1", "http", "api.test:8080", b'for=192.0.2.1;proto=http;host="api.test:8080"'),
        ("192.0.2.1", "http", "[::1]:8080", b'for=192.0.2.1;proto=http;host="[::1]:8080"'),
        ("192.0.2.1", "http", 'a";for=x', b'for=192.0.2.1;proto=http;host="a\\";for=x"'),
        ("192.0.2.1", "http", "", b"for=192.0.2.1;proto=http"),
    ],
)
def test_forwarded_quotes_what_is_no_token(ip: str, scheme: str, host: str, element: bytes) -> None:
    assert forwarded_element(ip, scheme, host) == element


@pytest.mark.parametrize(
    ("ip", "trusted"),
    [("10.1.1.1", True), ("::ffff:10.1.1.1", True), ("fd00::1", True), ("11.1.1.1", False), ("::1", False)],
)
def test_trust_is_by_network(ip: str, trusted: bool) -> None:
    assert is_trusted(ip, PROXIES) == trusted
    assert not is_trusted(ip, [])
