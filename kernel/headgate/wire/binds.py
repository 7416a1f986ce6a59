"""The sockets of the setting `bind`: opened in one place, once, whoever serves on them later."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence

from headgate.errors import SettingsError
from headgate.wire.lane import open_listeners

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
    host, _, port = bind.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"`{setting}`: {bind!r} is not host:port")
    try:
        return open_listeners(host.strip("[]") or None, int(port))
    except OSError as error:
        raise SettingsError(f"`{setting}`: {bind} cannot be listened on: {error.strerror}") from None


def close_all(sockets: Sockets) -> None:
    """Close every socket."""
    for some in sockets.values():
        for sock in some:
            sock.close()


def address_of(sock: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
