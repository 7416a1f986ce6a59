"""Targets, hosts and paths: refused, or read to something that reads as itself."""

from __future__ import annotations

from tests.fuzz.running import run

from headgate.errors import ClientFault
from headgate.message.url import canonical, parse_query, render_query
from headgate.wire.refusal import Refusal
from headgate.wire.target import read_host, read_target

SEEDS = (
    b"/a/./b/../c?d=%20+e&f",
    b"http://user@A.test:80/%41?x",
    b"*",
    b"[::1]:80",
    b"a.test.:",
    b"/%c3%a9%2e%2e/",
    b"/a;b,c@:",
)


def fuzz(data: bytes) -> None:
    """The bytes as a target, as a path, as a host and as a query."""
    for method in ("GET", "OPTIONS"):
        try:
            path, raw, query, authority = read_target(method, data, tls=False)
        except Refusal as refusal:
            assert refusal.status in (400, 421)
        else:
            check_path(path, raw)
            assert read_target(method, raw + (b"?" + query if query else b""), tls=False)[:3] == (path, raw, query)
            assert authority is None or b"/" not in authority
    try:
        check_path(*canonical(data))
    except ClientFault as fault:
        assert fault.status_hint == 400
    try:
        host = read_host(data)
    except Refusal as refusal:
        assert refusal.status == 400
    else:
        assert read_host(host.encode()) == host
        assert not set(host) & set("/@?#\\ ")
    pairs = parse_query(data)
    assert parse_query(render_query(pairs)) == pairs


def check_path(path: str, raw: bytes) -> None:
    """A canonical path reads as itself, climbs nowhere, and can stand in a request line."""
    if path == "*":
        return
    assert canonical(raw) == (path, raw)
    assert not {".", ".."} & set(path.split("/"))
    assert "//" not in path
    assert not set(raw) & set(b" #?\\\r\n\0")


if __name__ == "__main__":
    run("hosts")
