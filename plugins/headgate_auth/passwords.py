"""Passwords as they are kept: `scrypt$N$r$p$salt$hash`, salt and hash in base64. No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final

# 32 MiB and some 60 ms: what an attacker pays for each guess at a stolen hash, and a first login here.
N, R, P = 2**15, 8, 1
# A hash line is configuration, but one typed wrong must not take the node's memory.
MOST_BYTES: Final = 2**28
LONGEST: Final = 1024


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """One password, hashed. `check` takes a core for a while."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"<PasswordHash scrypt N={self.n}>"

    def check(self, password: bytes) -> bool:
        """Whether it is this password."""
        return hmac.compare_digest(_scrypt(password, self.salt, self.n, self.r, self.p, len(self.digest)), self.digest)


def parse_hash(line: str) -> PasswordHash:
    """The hash that a line holds. ValueError, which does not repeat the line."""
    parts = line.strip().split("$")
    try:
        name, n, r, p, salt, digest = parts
        found = PasswordHash(int(n), int(r), int(p), _decode(salt), _decode(digest))
    except (ValueError, binascii.Error):
        raise ValueError("this is no password hash; `headgate passwd NAME` makes one") from None
    power = found.n > 1 and found.n & (found.n - 1) == 0
    if name != "scrypt" or not power or found.r < 1 or not 1 <= found.p <= 16 or 128 * found.n * found.r > MOST_BYTES:
        raise ValueError("this password hash has parameters that are not supported")
    if len(found.salt) < 8 or len(found.digest) < 16:
        raise ValueError("this password hash is too short")
    return found


def make_hash(password: str) -> str:
    """A line for a password. ValueError for an empty or an endless one."""
    raw = password.encode()
    if not 1 <= len(raw) <= LONGEST:
        raise ValueError(f"a password has 1 to {LONGEST} bytes")
    salt = os.urandom(16)
    return f"scrypt${N}${R}${P}${_encode(salt)}${_encode(_scrypt(raw, salt, N, R, P, 32))}"


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int, size: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=size, maxmem=256 * n * r + 256 * r * p + 2**20)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
