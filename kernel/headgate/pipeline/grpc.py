"""What a gRPC client is told: a refusal of ours as a status of its own, and the log what the upstream's was.

gRPC's answers have HTTP status 200 and say in `grpc-status` how the call went; a refusal is its "Trailers-Only" form, a
head that ends the stream (gRPC over HTTP/2, "Responses"). The row of the call log keeps the status that the policy decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes

import msgspec

from headgate.message.reasons import title
from headgate.message.response import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.contracts.exchange import Exchange
    from headgate.message.headers import Line
    from headgate.message.request import Request

# gRPC's codes (grpc/statuscodes), by what HTTP calls it. Retrying clients look for 14, so a limit is not told as one.
STATUSES: Final = {
    400: 3, 401: 16, 402: 8, 403: 7, 404: 12, 405: 12, 408: 4, 409: 10, 410: 5, 412: 9, 413: 8, 415: 3, 422: 3, 429: 8,
    431: 8, 499: 1, 500: 13, 501: 12, 502: 14, 503: 14, 504: 4, 507: 8,
}  # fmt: skip
_UNKNOWN: Final = 2
_GONE_WITH_THE_BODY: Final = frozenset({b"content-type", b"content-length", b"content-encoding"})
# What may stand in `grpc-message` as it is: printable ASCII without %.
_PLAIN: Final = bytes(byte for byte in range(0x20, 0x7F) if byte != 0x25).decode()


def is_grpc(request: Request) -> bool:
    """Whether a request is a gRPC call."""
    kind = request.headers.get(b"content-type") or b""
    return kind == b"application/grpc" or kind.startswith((b"application/grpc+", b"application/grpc;"))


def as_grpc(response: Response) -> Response:
    """A refusal that was made for HTTP, as a gRPC client reads it."""
    code = STATUSES.get(response.status, _UNKNOWN)
    lines = [line for line in response.headers if line[0] not in _GONE_WITH_THE_BODY]
    lines += (
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"%d" % code),
        (b"grpc-message", _encoded(_message(response))),
    )
    return Response(200, lines)


def _message(response: Response) -> str:
    body = response.body if isinstance(response.body, bytes) else b""
    if (response.headers.get(b"content-type") or b"").startswith(b"text/plain"):
        return body.decode("utf-8", "replace")
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    detail = said.get("detail") if isinstance(said, dict) else None
    return detail if isinstance(detail, str) else title(response.status)


def _encoded(text: str) -> bytes:
    """Percent-encoded as gRPC asks (gRPC over HTTP/2, "Status-Message")."""
    return quote_from_bytes(text.encode(), safe=_PLAIN).encode()


def note_status(x: Exchange, lines: Iterable[Line]) -> None:
    """Put the status of the call into the row, from a head or from trailers."""
    for name, value in lines:
        if name == b"grpc-status" and value.isdigit():
            x.note("grpc_status", int(value[:3]))
