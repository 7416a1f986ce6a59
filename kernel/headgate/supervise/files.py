"""How many files a process may have open: a connection is one, and an exchange that is forwarded is two."""

from __future__ import annotations

import logging
from typing import Final

try:
    import resource
except ImportError:  # not on Windows, which has no such limit
    resource = None  # type: ignore[assignment]

log = logging.getLogger("headgate")

# Logs, databases, sockets that listen, what Python reads.
_OWN: Final = 64


def raise_open_files() -> int | None:
    """Raise the soft limit of open files to the hard one, as nginx's `worker_rlimit_nofile` and Go's runtime do, and give
    it. Children inherit it. None where there is no limit.

    The soft limit is 1024 on most systems for the sake of programs that use `select`, of which this is none.
    """
    if resource is None:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError) as error:  # macOS refuses to have none, and keeps what there was
            log.warning("The limit of open files stays at %d: %s", soft, error)
            hard = soft
    return None if hard == resource.RLIM_INFINITY else hard


def check_open_files(connections: int, files: int | None) -> None:
    """Say so where a worker may not have as many connections as its settings let it."""
    if files is not None and connections + _OWN > files:
        log.warning(
            "A worker may have %d connections (`limits.connections`), and %d files open: it will run out of files first. "
            "Raise the hard limit (`ulimit -Hn`, systemd's LimitNOFILE) to twice as many as connections.",
            connections,
            files,
        )
