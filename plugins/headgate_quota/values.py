"""Who is counted: values of `by` as keys in memory and as names in a store."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

# A value that is longer than this stands in memory and in the store by its hash.
NAMED_BYTES: Final = 200


def local(by: Any) -> str | bytes | None:
    """The value as a key in memory. Clients choose values, so no bucket keeps a long one."""
    if by is None or (type(by) is str and len(by) <= NAMED_BYTES):
        return by
    return short(by)


def short(by: Any) -> bytes:
    """A value as JSON, or as the hash of that."""
    data = msgspec.json.encode(by, order="deterministic")
    return b"#" + hashlib.blake2b(data, digest_size=20).hexdigest().encode() if len(data) > NAMED_BYTES else data


def stored(name: str, by: Any) -> str:
    """A bucket's or an account's name in the store: the line's and the value's, short enough for a key."""
    return f"{name}|{short(by).decode()}"
