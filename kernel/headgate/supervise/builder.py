"""The builder: reads, checks, compiles and tests policies for the master, and says when their files have changed.

It waits and computes as long as it likes; nobody is served by it. Like a worker, it ends when the master is gone.
"""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headgate.errors import HeadgateError, InternalError, PolicyError, SettingsError
from headgate.host.plugins import Plugins
from headgate.host.policies import Stamps, stamps
from headgate.host.settings import Settings
from headgate.language.parcel import Packer
from headgate.language.remembered import Remembered
from headgate.serve import LOOK_S, prepare
from headgate.supervise import frames
from headgate.supervise.frames import Frames

log = logging.getLogger("headgate")

NOTHING_SERVED: Final = "nothing is served: mend the findings above"
# An error as a terminal shows it: with colours where it has them, or without.
Show = Callable[[HeadgateError, bool], str]


class Builder:
    """One builder. `seen` is how the files were when they were last read."""

    def __init__(self, settings: Settings, plugins: Plugins, show: Show, colour: bool) -> None:
        self._settings = settings
        self._plugins = plugins
        self._show = show
        self._colour = colour
        self._policies = Path(settings.policies)
        self._remembered = Remembered()
        self._packer = Packer(plugins.vocabulary)
        self._seen: Stamps = frozenset()
        self._looked: Stamps = frozenset()

    def __repr__(self) -> str:
        return f"<Builder {self._policies} [{len(self._seen)} files]>"

    def build(self, *, asked: bool = False) -> frames.Built:
        """The policies as they are now, or what is wrong with them."""
        self._seen = self._looked = stamps(self._policies)
        try:
            ready = prepare(self._settings, self._plugins, self._remembered)
            return frames.Built(self._packer.pack(ready.program, ready.sources), asked)
        except HeadgateError as error:
            return self._wrong(error, asked)
        except Exception as error:
            log.exception("the policies cannot be read")
            return self._wrong(InternalError(f"the reload failed: {type(error).__name__}: {error}"), asked)

    def changed(self) -> bool:
        """Whether the files are no longer what was built, and rest."""
        before, self._looked = self._looked, stamps(self._policies)
        return self._looked == before and self._looked != self._seen

    def _wrong(self, error: HeadgateError, asked: bool) -> frames.Built:
        status = 2 if isinstance(error, SettingsError) else 1
        plain = self._show(error, False)
        hint = NOTHING_SERVED if isinstance(error, PolicyError) else ""
        return frames.Built(b"", asked, self._show(error, True) if self._colour else plain, plain, status, hint)

    def serve(self, sock: socket.socket, *, watches: bool) -> int:
        """Build when told to, and, where it watches, when the files have changed. Gives the exit status."""
        taken, untidy = Frames(), False
        while True:
            sock.settimeout(LOOK_S if watches or untidy else None)
            try:
                data = sock.recv(1 << 16)
            except TimeoutError:
                if untidy:  # behind the back of who waited for the build, or asks for the next one at once
                    gc.collect()
                    untidy = False
                if watches and self.changed():
                    _send(sock, self.build())
                    untidy = True
                continue
            if not data:
                return 0
            for _ in taken.feed(data):
                _send(sock, self.build(asked=True))
                untidy = True


def _send(sock: socket.socket, built: frames.Built) -> None:
    sock.settimeout(None)
    sock.sendall(frames.encode(built))
