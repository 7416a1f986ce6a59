"""Header lines that authentication reads and takes away."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from headgate.api import Headers

# RFC 9110 §5.1
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def header_names(names: Sequence[str]) -> frozenset[bytes]:
    """Names in lower case, with `-` for `_`. ValueError for one that cannot be a header's."""
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
    return frozenset(name.lower().replace("_", "-").encode() for name in names)


def without(headers: Headers, names: Collection[bytes]) -> None:
    """Drop every line of those names (see `header_names`), with `-` or `_`: what a stranger says about who he is."""
    if names and any(name.replace(b"_", b"-") in names for name, _ in headers.lines):
        headers.lines = [line for line in headers.lines if line[0].replace(b"_", b"-") not in names]


def after_scheme(value: bytes, scheme: bytes) -> bytes | None:
    """What stands behind `Bearer ` or `Basic `, in any case (RFC 9110 §11.1); None for another scheme."""
    head, space, rest = value.partition(b" ")
    return rest.strip() if space and head.lower() == scheme else None
