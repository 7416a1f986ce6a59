"""`auth.basic`: names and passwords (RFC 7617), for people and tools that can do nothing better.

1. A password is hashed in a thread, two at once; where too many wait the answer is 503, so that guessing cannot take the
   node's cores from everybody else.
2. One that was right is remembered for some minutes by an HMAC under a key of this line's own: then the step does not
   wait. Wrong ones are not remembered.
3. A name that does not exist costs as much time as one that does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from headgate.api import SLOW, Caller, Const, Exchange, Secret, Site, Text, step
from headgate_auth.kinds import BASIC, RAISES, invalid, missing, unavailable
from headgate_auth.lines import after_scheme, header_names, without
from headgate_auth.passwords import LONGEST, N, P, PasswordHash, R, parse_hash
from headgate_auth.shared import shared

log = logging.getLogger("headgate.auth")

REMEMBER_S: Final = 300.0
REMEMBERED: Final = 1000
# At two hashes of 60 ms at once, the last of these waits about two seconds.
MOST_WAITING: Final = 64


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A name whose password was right."""

    name: str

    def caller(self) -> Caller:
        """Who asks under this name."""
        return Caller(id=self.name, kind="basic")


class Passwords:
    """One line's users, and who was right of late."""

    def __init__(self, users: Mapping[str, PasswordHash], unset: Mapping[str, str], strip: frozenset[bytes]) -> None:
        self.users = users
        self.unset = unset
        self.strip = strip
        self.nobody = PasswordHash(N, R, P, os.urandom(16), os.urandom(32))
        self._pepper = os.urandom(32)
        self._known: dict[bytes, tuple[User, float]] = {}

    def __repr__(self) -> str:
        return f"<Passwords {len(self.users)} users [{len(self._known)} known]>"

    def recall(self, credentials: bytes, now: float) -> User | None:
        """Who gave exactly these credentials a short while ago, rightly."""
        known = self._known.get(self._mark(credentials))
        return known[0] if known is not None and now < known[1] else None

    def remember(self, credentials: bytes, user: User, now: float) -> None:
        """Those credentials are right."""
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[self._mark(credentials)] = (user, now + REMEMBER_S)

    def _mark(self, credentials: bytes) -> bytes:
        return hmac.digest(self._pepper, credentials, hashlib.sha256)


def prepare(
    site: Site, *, users: Mapping[str, Secret] | None = None, file: str | None = None, strip: Sequence[str] = ()
) -> Passwords:
    """The users of a line. ValueError for a hash that is none, a file that cannot be read, or no users at all."""
    if (users is None) == (file is None):
        raise ValueError("users come from `users={…}` or from `file=`, one of them")
    known: dict[str, PasswordHash] = {}
    unset: dict[str, str] = {}
    for name, secret in (users or {}).items():
        _named(name)
        if secret.is_set:
            known[name] = _hash(secret.reveal(), f"the secret {secret.name} of {name}")
        else:
            unset[name] = secret.name
    if file is not None:
        known = read_users(Path(file))
    return Passwords(known, unset, header_names(strip))


def read_users(file: Path) -> dict[str, PasswordHash]:
    """The users of a file: one `name:hash` a line, empty lines and those with # left out. ValueError."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    found: dict[str, PasswordHash] = {}
    for number, line in enumerate(lines, 1):
        name, colon, rest = line.strip().partition(":")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not colon or name in found:
            raise ValueError(f"{file}, line {number}: {'a name is there twice' if colon else 'it is not `name:hash`'}")
        found[_named(name)] = _hash(rest, f"{file}, line {number}")
    return found


def _named(name: str) -> str:
    if not name or ":" in name or not name.isprintable():
        raise ValueError(f"{name!r} is not a name: 1 or more printable characters, without a colon")
    return name


def _hash(line: str, where: str) -> PasswordHash:
    try:
        return parse_hash(line)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def fast(ctx: Exchange, /, *, site: Site, **_: Any) -> User | object:
    """Credentials that were right a short while ago; SLOW for any other."""
    passwords: Passwords = site.prepared
    user = passwords.recall(_credentials(ctx), ctx.node.clock.monotonic())
    return SLOW if user is None else _accept(ctx, site, user)


@step("auth.basic", gives="auth", raises=RAISES, effect="reads", shadow=True, prepare=prepare, fast=fast)
async def basic(
    ctx: Exchange, /, *, users: Const[dict[str, Secret] | None] = None, file: Const[Text | None] = None,
    strip: Const[tuple[Text, ...]] = (), site: Site,
) -> User:  # fmt: skip
    """Ask for a name and a password, and bind the name.

    `users={ana: secret("ANA_HASH")}` names each user's hash, `file=` a file of `name:hash` lines; `headgate passwd` makes
    one. The Authorization line does not go upstream. `strip=` names headers that strangers may not send.
    """
    credentials = _credentials(ctx)
    passwords: Passwords = site.prepared
    raw_name, colon, password = credentials.partition(b":")
    if not colon or len(password) > LONGEST:
        invalid("The credentials are malformed.", BASIC)
    name = raw_name.decode("utf-8", "replace")
    if name in passwords.unset:
        log.error(
            "%s, the password hash of %s, is not set: nobody gets in under that name", passwords.unset[name], name
        )
        unavailable("This user cannot be checked now: the gateway is not set up for it.")
    if not await _right(ctx, passwords.users.get(name, passwords.nobody), password) or name not in passwords.users:
        invalid("The name or the password is wrong.", BASIC)
    user = User(name=name)
    passwords.remember(credentials, user, ctx.node.clock.monotonic())
    return _accept(ctx, site, user)


async def _right(ctx: Exchange, kept: PasswordHash, password: bytes) -> bool:
    if ctx.node.rehearsing:
        return kept.check(password)
    limiter = shared(ctx.node).hashing
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        unavailable("Too many passwords are being checked. Try again in a moment.")
    return await trio.to_thread.run_sync(kept.check, password, limiter=limiter)


def _credentials(ctx: Exchange) -> bytes:
    """`name:password` as it was sent. ClientFault."""
    lines = ctx.request.headers.all(b"authorization")
    if not lines:
        missing("A name and a password are needed (Basic).", BASIC)
    encoded = after_scheme(lines[0], b"basic")
    if len(lines) > 1 or encoded is None:
        invalid("A name and a password are needed (Basic), in one Authorization line.", BASIC)
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        invalid("The credentials are malformed.", BASIC)


def _accept(ctx: Exchange, site: Site, user: User) -> User:
    if not site.shadow:
        headers = ctx.request.headers
        headers.remove(b"authorization")
        without(headers, site.prepared.strip)
        ctx.caller = user.caller()
    return user
