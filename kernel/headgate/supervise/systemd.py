"""What a service manager hands to a node, and hears from it: sockets (sd_listen_fds(3)) and its state (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final

from headgate.errors import SettingsError

FIRST: Final = 3


def activated(environ: MutableMapping[str, str], binds: Sequence[str]) -> dict[str, list[socket.socket]]:
    """The listening sockets that the service manager has opened: one for each bind, in the order of both. SettingsError where
    there are not as many."""
    meant, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if meant != str(os.getpid()) or not count.isdigit():
        return {}
    numbers = range(FIRST, FIRST + int(count))
    if len(numbers) != len(binds):
        raise SettingsError(
            f"`bind` has {len(binds)} addresses, and the service manager hands down {len(numbers)} sockets"
        )
    for number in numbers:
        os.set_inheritable(number, False)
    return {bind: [socket.socket(fileno=number)] for bind, number in zip(binds, numbers, strict=True)}


def notify(environ: MutableMapping[str, str], **said: str | int) -> None:
    """Tell the service manager, if there is one that wants to know: `READY=1`, `MAINPID=…`, `STOPPING=1`."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    text = "\n".join(f"{name.upper()}={value}" for name, value in said.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect("\0" + address[1:] if address.startswith("@") else address)
            sock.send(text.encode())
        except OSError:
            pass  # it is told as a courtesy; who is not there needs none
