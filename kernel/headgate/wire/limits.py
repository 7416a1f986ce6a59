"""Every number that the lane holds a client to, with its unit, its reason and its precedent.

1. No other file of this room holds a limit. A configuration overrides a number by its name.
2. A number is where it is because of what honest clients send and what others settled on; what is above
   it is an attack or a mistake, and is refused with the status named here.
3. Times are kept by one sweep over all connections (`table.py`), so they are met within one `tick_s`,
   never early.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any


def _limit(default: float | None, unit: str, reason: str, precedent: str) -> Any:
    return field(default=default, metadata={"unit": unit, "reason": reason, "precedent": precedent})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one listener. ValueError where a number is not positive."""

    request_line_bytes: int = _limit(
        8192,
        "bytes",
        "Above it 414: no link that a person follows is longer.",
        "RFC 9112 §3 asks for at least 8000; Apache 8190, nginx 8192",
    )
    header_line_bytes: int = _limit(
        16384,
        "bytes",
        "Above it 431: room for a large token or cookie, and no more.",
        "Apache 8190, nginx 8192, node 16384 for all lines",
    )
    header_bytes: int = _limit(
        32768,
        "bytes",
        "Above it 431: all header lines together, held in memory until they are complete.",
        "nginx 4 x 8192, IIS and node 16384, Envoy 61440",
    )
    header_count: int = _limit(
        100,
        "lines",
        "Above it 431: a lookup walks the lines.",
        "Apache and Envoy 100, HAProxy 101",
    )
    body_bytes: int | None = _limit(
        None,
        "bytes",
        "Above it 413. None: the policy decides, line by line.",
        "nginx 1 MiB, Caddy none",
    )
    chunk_line_bytes: int = _limit(
        1024,
        "bytes",
        "Above it 400: a chunk's size and its extensions, which nobody uses.",
        "Go 4096 (net/http/internal.maxLineLength)",
    )
    chunk_extra_bytes: int = _limit(
        16384,
        "bytes",
        "Above it 400: the extensions and trailers of one body together; we drop them all.",
        "Go 16384 of bytes that are not data",
    )
    header_s: float = _limit(
        30.0,
        "seconds",
        "Above it 408: from the first byte of a head to its last.",
        "Kestrel 30, Apache 20 to 40, nginx and node 60",
    )
    handshake_s: float = _limit(
        10.0,
        "seconds",
        "The connection closes: from the first byte of a TLS handshake to its end.",
        "Go's examples 10, nginx 60 (client_header_timeout)",
    )
    body_idle_s: float = _limit(
        30.0,
        "seconds",
        "Above it 408: silence within a body that somebody waits for.",
        "nginx 60, Apache 20",
    )
    body_rate: float | None = _limit(
        240.0,
        "bytes per second",
        "Below it, on the average of the time waited and after body_idle_s, 408: one byte "
        "now and then is not progress. None: any rate.",
        "Kestrel 240, Apache 500",
    )
    idle_s: float = _limit(
        75.0,
        "seconds",
        "The connection closes: longer than the 60 of the load balancers in front, so that they close "
        "first and no request meets a closing connection.",
        "nginx 75, Kestrel 130, Apache and node 5",
    )
    write_stall_s: float = _limit(
        60.0,
        "seconds",
        "The connection is cut: the client took no byte of the answer for so long.",
        "nginx 60",
    )
    linger_s: float = _limit(
        5.0,
        "seconds",
        "How long bytes are thrown away after a close, so that the answer is read before the reset.",
        "nginx 5 between reads, 30 in all",
    )
    linger_bytes: int = _limit(
        1 << 20,
        "bytes",
        "How much is thrown away after a close.",
        "nginx bounds the time alone",
    )
    unread_bytes: int = _limit(
        65536,
        "bytes",
        "How much of a body that nobody read is taken in to keep the connection; above it a close is cheaper.",
        "Go 262144",
    )
    ahead_bytes: int = _limit(
        65536,
        "bytes",
        "How much is read ahead while a call runs, to see whether the client is still there.",
        "one read of nginx's or HAProxy's buffers is 16384",
    )
    requests: int = _limit(
        10_000,
        "requests",
        "Then the connection closes: frees what grew, and spreads the load again.",
        "nginx 1000, Apache 100",
    )
    connections: int = _limit(
        10_000,
        "connections",
        "Then accepting waits and an idle connection closes: about 6 KB each.",
        "nginx 512 to 1024 a worker, HAProxy by ulimit",
    )
    h2_streams: int = _limit(
        100,
        "streams",
        "Beyond it a stream of HTTP/2 is refused: how many requests run at once on one connection.",
        "RFC 9113 §6.5.2 asks for at least 100; nginx 128, Go 250",
    )
    h2_window_bytes: int = _limit(
        1 << 18,
        "bytes",
        "How much of a request's body in HTTP/2 is taken before somebody reads it.",
        "nginx 65536, Go 1048576, the standard's default 65535",
    )
    lag_s: float | None = _limit(
        0.5,
        "seconds",
        "Above it, twice in a row, a worker is overloaded: so late is its loop. It sheds requests until it is on time. "
        "None: it never does.",
        "CoDel 0.1 (RFC 8289's interval); Envoy by memory, Go and nginx not at all",
    )
    backlog: int = _limit(
        1024,
        "connections",
        "How many wait in the kernel to be accepted.",
        "nginx 511, trio up to 65535",
    )
    tick_s: float = _limit(
        0.5,
        "seconds",
        "How often the sweep looks at all connections.",
        "Kestrel's heartbeat, 1",
    )

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and value <= 0:
                raise ValueError(f"{limit.name} is {value}; it must be above 0")


def table() -> tuple[Field[Any], ...]:
    """Every limit: name, default, and `metadata` with unit, reason and precedent. For the reference and `--help`."""
    return fields(Limits)
