"""What a master is started with."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headgate.errors import HeadgateError
from headgate.host.plugins import Plugins
from headgate.host.settings import Settings
from headgate.supervise.worker import Greet


class Say(Protocol):
    """Says a text on stderr, in one piece; `wrong` where it tells that something went wrong."""

    def __call__(self, text: str, *, wrong: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A node to run. What concerns a terminal is the command line's: `show` gives an error as a person sees it, with
    colours or without; `say` prints on stderr; `dress` makes the log lines of a process begin with its name; `greet` gives
    what is said when the node is up.

    `argv` starts the same node again. `inherited` are listening sockets that a predecessor had open, by bind, and `heir` is
    how it is told that this one serves.
    """

    settings: Settings
    plugins: Plugins
    workers: int
    show: Callable[[HeadgateError, bool], str]
    say: Say
    dress: Callable[[str], None]
    greet: Greet
    colour: bool = False
    argv: Sequence[str] = ()
    inherited: Mapping[str, Sequence[socket.socket]] = field(default_factory=dict)
    heir: socket.socket | None = None
