"""How a running node is asked something from the command line: a socket in its data folder, for its owner alone.

1. One line of JSON is asked, one line is answered, and the connection is closed. An answer may take its time: that of a
   reload comes when the reload is over.
2. Every node has a socket of its own, so several nodes on one data folder are all found. One that nobody answers on is
   left from a node that was killed, and is removed by who finds it.
3. A node that serves from one process alone has no such socket.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from headgate.supervise.loop import Loop
from headgate.supervise.talk import Door, Talk

LONGEST: Final = 1 << 12
_SUFFIX: Final = ".sock"
_PREFIX: Final = "control-"


class Question(msgspec.Struct, frozen=True):
    """What is asked: `status`, `reload` or `upgrade`."""

    ask: str


Reply = Callable[[dict[str, Any]], None]
_question = msgspec.json.Decoder(Question)


class Control:
    """The node's side."""

    def __init__(self, loop: Loop, data: Path, ask: Callable[[str, Reply], None]) -> None:
        self._ask = ask
        self.file = data / f"{_PREFIX}{secrets.token_hex(4)}{_SUFFIX}"
        self._door = Door(loop, _listen(self.file), LONGEST, self._asked)

    def __repr__(self) -> str:
        return f"<Control {self.file.name} {self._door!r}>"

    def close(self) -> None:
        """Answer nobody any more."""
        self.file.unlink(missing_ok=True)
        self._door.close()

    def _asked(self, talk: Talk, read: bytes) -> bool | None:
        if not read.endswith(b"\n"):
            return None
        try:
            question = _question.decode(read)
        except msgspec.DecodeError:
            return False
        self._ask(question.ask, lambda answer: talk.answer(msgspec.json.encode(answer) + b"\n"))
        return True


def _listen(file: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(file) as path:
        before = os.umask(0o177)
        try:
            sock.bind(path)
        finally:
            os.umask(before)
    sock.listen(16)
    return sock


@contextmanager
def _short(file: Path) -> Iterator[str]:
    """A path that fits into an address (108 bytes), however deep the folder lies."""
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        short = f"/proc/self/fd/{folder}/{file.name}"
        yield short if os.path.isdir(f"/proc/self/fd/{folder}") else str(file)
    finally:
        os.close(folder)


def ask_all(data: Path, ask: str) -> list[dict[str, Any]]:
    """Ask every node that runs on this data folder; their answers. A node that ends meanwhile gives none."""
    found = []
    for file in sorted(data.glob(f"{_PREFIX}*{_SUFFIX}")):
        answer = _ask_one(file, ask)
        if answer is not None:
            found.append(answer)
    return found


def _ask_one(file: Path, ask: str) -> dict[str, Any] | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            with _short(file) as path:
                sock.connect(path)
        except ConnectionRefusedError:
            if stat.S_ISSOCK(file.stat().st_mode):
                file.unlink(missing_ok=True)
            return None
        except FileNotFoundError:
            return None
        try:
            sock.sendall(msgspec.json.encode(Question(ask)) + b"\n")
            text = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        except ConnectionError:
            return None
    return msgspec.json.decode(text) if text else None
