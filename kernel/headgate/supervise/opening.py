"""All that a node listens on: what it serves, where it is probed, where it is asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import socket

from headgate.configured import binds_of, certificates_of
from headgate.errors import SettingsError
from headgate.host.settings import Settings
from headgate.supervise.control import Control, Reply
from headgate.supervise.loop import Loop
from headgate.supervise.talk import Door, Talk
from headgate.wire.binds import QUIC, Sockets, close_all, open_binds
from headgate.wire.health import HEAD_BYTES, Look, respond

Inherited = Mapping[str, Sequence[socket]]


class Opening:
    """The open sockets of a node. What a predecessor had open stays open all along.

    Of two nodes on one admin bind one answers: the predecessor until this one serves, then this one.
    """

    def __init__(self, inherited: Inherited, look: Look) -> None:
        self._inherited = inherited
        self._look = look
        self.serving: Sockets = {}
        self.admin: dict[str, list[socket]] = {}
        self._doors: list[Door] = []
        self._control: Control | None = None

    def __repr__(self) -> str:
        return f"<Opening {', '.join(self.serving) or 'nothing yet'}>"

    @property
    def all(self) -> dict[str, Sequence[socket]]:
        """What a successor is handed down, by bind."""
        return {**self.serving, **self.admin}

    def open(self, loop: Loop, settings: Settings, ask: Callable[[str, Reply], None]) -> None:
        """Listen. SettingsError says what is in the way."""
        certificates_of(settings)  # what is wrong with them is said once, and before anything is open
        # Each worker has a socket of its own for QUIC: a connection is known by one worker alone.
        serving = [bind for bind in binds_of(settings) if not bind.startswith(QUIC)]
        binds = [*serving, *([settings.admin_bind] if settings.admin_bind else [])]
        held = {bind: some for bind, some in self._inherited.items() if bind in binds}
        close_all({bind: some for bind, some in self._inherited.items() if bind not in held})
        self._inherited = {}
        fresh = open_binds(bind for bind in serving if bind not in held)
        self.serving = {bind: held.get(bind) or fresh[bind] for bind in serving}
        if settings.admin_bind:
            self._open_admin(loop, settings.admin_bind, held.get(settings.admin_bind))
        self._control = _control(loop, Path(settings.data), ask)

    def _open_admin(self, loop: Loop, bind: str, held: Sequence[socket] | None) -> None:
        self.admin = {bind: list(held or open_binds([bind], "admin_bind")[bind])}
        if held is None:
            self.probe(loop)

    def probe(self, loop: Loop) -> None:
        """Answer probes, if that has not begun."""
        if not self._doors:
            for sock in itertools.chain.from_iterable(self.admin.values()):
                self._doors.append(Door(loop, sock, HEAD_BYTES, self._probed))

    def hand_over(self) -> None:
        """Leave probes to the successor. Those that this node has accepted are told how it was until now."""
        last = self._look()
        self._look = lambda: last
        for door in self._doors:
            door.leave()

    def let_go(self) -> None:
        """Close what is served: here, and not in the processes that have it too."""
        close_all(self.serving)

    def leave_admin(self) -> None:
        """In a worker, which answers no probes."""
        close_all(self.admin)

    def leave(self) -> None:
        """In a process that neither serves nor answers probes: keep none of it open."""
        for sockets in (self._inherited, self.serving, self.admin):
            close_all(sockets)

    def close(self) -> None:
        """Close everything."""
        close_all(self.serving)
        for door in self._doors:
            door.close()
        close_all(self.admin)
        if self._control is not None:
            self._control.close()

    def _probed(self, talk: Talk, read: bytes) -> bool | None:
        if b"\r\n\r\n" not in read:
            return None
        talk.answer(respond(read, self._look))
        return True


def _control(loop: Loop, data: Path, ask: Callable[[str, Reply], None]) -> Control:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"`data`: {data} cannot be made: {error.strerror}", "data") from None
    try:
        return Control(loop, data, ask)
    except OSError as error:
        raise SettingsError(f"`data`: nothing can be made in {data}: {error.strerror}", "data") from None
