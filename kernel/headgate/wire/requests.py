"""From the facts of a head to a request: the same at every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.message.request import Client, Request

if TYPE_CHECKING:
    from headgate.message.body import Body
    from headgate.wire.head import Head


def request_of(head: Head, body: Body, client: Client, id: str) -> Request:
    """What the handler gets."""
    return Request(
        method=head.method,
        path=head.path,
        raw_path=head.raw_path,
        query_string=head.query,
        host=head.host,
        scheme="https" if client.tls else "http",
        headers=head.headers,
        body=body,
        id=id,
        http_version=head.version,
        upgrade=head.upgrade,
    )
