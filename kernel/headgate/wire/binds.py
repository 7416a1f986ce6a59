"""The sockets of the settings `bind` and `bind_tls`: opened in one place, once, whoever serves on them later."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headgate.errors import SettingsError
from headgate.wire.lane import open_listeners

# What stands before a bind whose clients begin with TLS, and before one for QUIC.
TLS: Final = "tls:"
QUIC: Final = "quic:"
# For each bind, as it is written, the sockets of all its addresses.
Sockets = Mapping[str, Sequence[socket.socket]]


def open_binds(binds: Iterable[str], setting: str = "bind") -> Sockets:
    """The listening sockets of every bind. SettingsError says what is in the way of which setting; then none is open."""
    opened: dict[str, list[socket.socket]] = {}
    try:
        for bind in binds:
            opened.setdefault(bind, []).extend(open_bind(bind, setting))
    except SettingsError:
        close_all(opened)
        raise
    return opened


def open_bind(bind: str, setting: str = "bind") -> list[socket.socket]:
    """Listening sockets for `host:port`, `[::1]:port` or `:port`. SettingsError says what is in the way."""
    host, port = check_bind(bind, setting)
    try:
        kind = socket.SOCK_DGRAM if bind.startswith(QUIC) else socket.SOCK_STREAM
        return open_listeners(host or None, port, kind=kind)
    except OSError as error:
        raise SettingsError(
            f"`{_setting(bind, setting)}`: {_place(bind)} cannot be listened on: {error.strerror}",
            _setting(bind, setting),
        ) from None


def check_bind(bind: str, setting: str = "bind") -> tuple[str, int]:
    """Host and port of a bind, as it is written. SettingsError."""
    host, _, port = _place(bind).rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise SettingsError(
            f"`{_setting(bind, setting)}`: {_place(bind)!r} is not host:port; write 127.0.0.1:8080, [::1]:8080 or :8080",
            _setting(bind, setting),
        )
    return host.strip("[]"), int(port)


def _place(bind: str) -> str:
    return bind.removeprefix(TLS).removeprefix(QUIC)


def _setting(bind: str, setting: str) -> str:
    return "bind_tls" if bind.startswith(TLS) else "bind_quic" if bind.startswith(QUIC) else setting


def close_all(sockets: Sockets) -> None:
    """Close every socket."""
    for some in sockets.values():
        for sock in some:
            sock.close()


def address_of(sock: socket.socket, scheme: str = "http") -> str:
    """Where a socket listens, as a URL."""
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def addresses(sockets: Sockets) -> list[str]:
    """Where all of them listen, as URLs; HTTP/3's is told apart by its scheme."""
    found = []
    for bind, opened in sockets.items():
        scheme = "https" if bind.startswith(TLS) else "https+quic" if bind.startswith(QUIC) else "http"
        found += [address_of(sock, scheme) for sock in opened if sock.fileno() >= 0]
    return found
