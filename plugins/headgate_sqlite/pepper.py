"""The secret under which keys are hashed: one for each installation, in a file of its own, never in a database.

Whoever gets hold of `state.db` alone can neither use the keys in it nor try guesses against them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from pathlib import Path
from typing import Final

from headgate.api import StoreError

log = logging.getLogger("headgate.sqlite")
SIZE: Final = 32


def read_pepper(file: Path) -> bytes | None:
    """The pepper, or None where there is none yet. StoreError where it cannot be read."""
    try:
        pepper = bytes.fromhex(file.read_text("ascii").strip())
        mode = file.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read ({error}): restore it from a backup") from error
    if len(pepper) != SIZE:
        raise StoreError(f"{file} does not hold {SIZE} bytes: restore it from a backup")
    if mode & 0o077:
        log.warning("%s can be read by others than its owner: chmod 600 %s", file, file)
    return pepper


def make_pepper(file: Path) -> bytes:
    """A new pepper, unless another process was faster; then that one. StoreError where it cannot be written."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(SIZE) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(fresh, file)  # fails where there is one already: nobody ever sees half a pepper, or two
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from error
    pepper = read_pepper(file)
    assert pepper is not None
    return pepper


class Hashing:
    """HMAC-SHA256 (RFC 2104) with one pepper. Its two pads are hashed once: a digest is then two copies and two
    updates, a third of what starting anew costs, and this runs once a request."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, pepper: bytes) -> None:
        block = pepper.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, secret: str) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(secret.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return outer.digest()


def mark(pepper: bytes) -> bytes:
    """What `state.db` remembers of the pepper that its keys were hashed with."""
    return Hashing(pepper).digest("headgate pepper")
