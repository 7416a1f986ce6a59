"""What an answer is kept under. Pure.

The key is a hash of the line, of what was asked for (method, host, path, query, the client's dialect, a chat or task that
was read), and of `by`: two requests that differ in any of these never get each other's answer. Headers and any other body
are no part of it but where `by` says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from headgate.api import READ, ClientFault, Exchange, PluginFault, Site
from headgate.api.ai import filters_key


def key_of(ctx: Exchange, site: Site, by: Sequence[Any]) -> bytes:
    """The key of this request at this line."""
    request = ctx.request
    asked = [
        request.method, request.host, request.raw_path.decode("ascii"), request.query_string.decode("ascii", "replace"),
        # A client of a dialect gets what we render; any other gets the upstream's bytes, encoded as it can read them.
        ctx.dialect.name if ctx.dialect is not None else request.headers.text("accept-encoding"),
    ]  # fmt: skip
    # What a guard puts back into answers is this exchange's own, whatever `by` says.
    own = filters_key(ctx)
    # What a dialect has read is what was asked for: whether it is to be streamed, how long it may be, which tools there are.
    read = ctx.recall(READ)
    said = [] if read is None else [read.cache_key()]
    return hashlib.sha256(canonical([site.key, asked, own, said, [_public(value) for value in by]])).digest()


def _public(value: Any) -> tuple[str, Any]:
    """A value, or what it says of itself. The mark keeps the two apart."""
    own = getattr(value, "cache_key", None)
    return ("key", own()) if callable(own) else ("value", value)


def _plain(value: Any) -> Any:
    """An amount of money, a list that knows wildcards: what they are made of."""
    base = next((base for base in (int, str, list, dict) if isinstance(value, base)), None)
    if base is None:
        raise TypeError(f"a {type(value).__name__}")
    return base(value)


def canonical(value: Any) -> bytes:
    """Equal values as equal bytes, whatever the order of their keys: records by their public fields."""
    try:
        return msgspec.json.encode(value, order="deterministic", enc_hook=_plain)
    except RecursionError:
        raise ClientFault("request.invalid", "The body is nested too deeply.", status=400) from None
    except TypeError as error:
        raise PluginFault(f"`by` holds a value that nothing can be kept under: {error}", plugin="cache") from None
