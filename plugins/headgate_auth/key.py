"""`auth.key`: the keys that this node gives out.

1. A key is looked for where the clients of every dialect put theirs. What does not look like one of our keys is never
   hashed and never reaches the store.
2. It is found by its HMAC in a dictionary: no comparison of secrets takes place whose time could tell something.
3. Two different keys in one request are refused: which of them counts must not be a matter of order.
4. The line that held the key is removed, so that no upstream ever sees it.
5. A browser cannot put a line into the handshake of a WebSocket: OpenAI's clients offer the key as a subprotocol there. Of
   that line only the offer is removed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from headgate.api import Const, Exchange, Headers, Key, PluginFault, Site, StoreError, Text, step
from headgate_auth.kinds import BEARER, BEARER_INVALID, RAISES, invalid, missing, unavailable
from headgate_auth.lines import after_scheme, header_names, without

# OpenAI's SDKs send Authorization, Anthropic's x-api-key, Azure's api-key, Google's x-goog-api-key.
HEADERS: Final = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
# https://platform.openai.com/docs/guides/realtime-websocket
_OFFERS: Final = b"sec-websocket-protocol"
_OFFERED: Final = b"openai-insecure-api-key."
# 32 random bytes are 43 characters; the bounds leave room for other stores, not for floods.
_KEY: Final = re.compile(rb"hg_[A-Za-z0-9_-]{20,200}")


class _Where:
    """What the constants of a line come to."""

    __slots__ = ("headers", "strip")

    def __init__(self, headers: tuple[bytes, ...], strip: frozenset[bytes]) -> None:
        self.headers = headers
        self.strip = strip


def prepare(site: Site, *, header: str | None = None, strip: Sequence[str] = ()) -> _Where:
    """Header names in their form on the wire. ValueError for what is none."""
    if header is None:
        return _Where(HEADERS, header_names(strip))
    header_names([header])
    return _Where((header.lower().encode(),), header_names(strip))


@step("auth.key", gives="auth", raises=RAISES, effect="reads", shadow=True, prepare=prepare)
def key(
    ctx: Exchange,
    /,
    *,
    header: Const[Text | None] = None,
    strip: Const[tuple[Text, ...]] = (),
    site: Site,
) -> Key:
    """Ask for a key of this node, and bind its record: id, name, team, application, models, scopes.

    It is taken from `Authorization: Bearer hg_…`, `x-api-key`, `api-key` or `x-goog-api-key`, of a browser's WebSocket also
    from the subprotocol `openai-insecure-api-key.hg_…`, or from `header=` alone;
    the line that held it does not go upstream. `strip=` names headers that strangers may not send: they are removed.
    """
    where: _Where = site.prepared
    headers = ctx.request.headers
    secret = _secret(headers, where.headers)
    store = ctx.node.stores.identity
    if store is None:
        raise PluginFault("auth.key needs a store for keys, and no plugin fills the role `identity`", plugin="auth")
    try:
        found = store.find_key(store.digest(secret.decode("ascii")))
    except StoreError:
        unavailable("Keys cannot be checked now. Try again in a moment.")
    if found is None or found.revoked_at is not None:
        # One message for both: whether a key ever existed is nobody's business.
        invalid("This key is not valid.", BEARER_INVALID)
    if found.expires_at is not None and found.expires_at <= ctx.node.clock.time():
        invalid("This key has expired.", BEARER_INVALID)
    if not site.shadow:
        names = where.headers
        headers.lines = [line for line in headers.lines if line[0] not in names or not _holds(line)]
        if names is HEADERS:
            _without_offers(headers)
        if where.strip:
            without(headers, where.strip)
        ctx.caller = found.caller()
    return found


_UNLIKE: Final = "The credential is not a key of this gateway: its keys begin with hg_."
_EMPTY: Final = "The credential is empty. Is the variable set that should hold the key?"


def _secret(headers: Headers, names: tuple[bytes, ...]) -> bytes:
    """The key that the request holds. ClientFault where it holds none, one that cannot be ours, or two."""
    secret = None
    other = False
    lines = _credentials(headers, names)
    for line in lines:
        value = _bare(line)
        if not value.startswith(b"hg_"):
            other = True
        elif secret is not None and value != secret:
            invalid("The request holds two different keys. Send one.", BEARER_INVALID)
        else:
            secret = value
    if secret is None:
        if other:
            invalid(_UNLIKE if any(_holds_something(line) for line in lines) else _EMPTY, BEARER_INVALID)
        missing(_how(names), BEARER)
    if not _KEY.fullmatch(secret):
        invalid("This key is malformed. Check that it was copied whole.", BEARER_INVALID)
    return secret


def _credentials(headers: Headers, names: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
    """What the request shows: lines, and what the handshake of a WebSocket offers, as such lines."""
    lines: list[tuple[bytes, bytes]] = []
    for line in headers.lines:
        if line[0] in names:
            lines.append(line)
        elif line[0] == _OFFERS and names is HEADERS:
            lines += [(_OFFERS, one[len(_OFFERED) :]) for one in _members(line[1]) if one.startswith(_OFFERED)]
    return lines


def _without_offers(headers: Headers) -> None:
    for line in headers.lines:
        if line[0] == _OFFERS and _OFFERED in line[1]:
            break
    else:
        return
    for at, (name, value) in enumerate(headers.lines):
        if name == _OFFERS:
            headers.lines[at] = name, b", ".join(one for one in _members(value) if not one.startswith(_OFFERED))
    headers.lines = [line for line in headers.lines if line != (_OFFERS, b"")]


def _members(value: bytes) -> list[bytes]:
    return [one.strip() for one in value.split(b",")]


def _holds_something(line: tuple[bytes, bytes]) -> bool:
    return line[1].strip().lower() not in (b"", b"bearer")


def _bare(line: tuple[bytes, bytes]) -> bytes:
    name, value = line
    token = after_scheme(value, b"bearer")
    return token if token is not None else b"" if name == b"authorization" else value


def _holds(line: tuple[bytes, bytes]) -> bool:
    # One without its scheme was not taken for a key, but is one.
    return line[1].startswith(b"hg_") or _bare(line).startswith(b"hg_")


def _how(names: tuple[bytes, ...]) -> str:
    if names[0] == b"authorization":
        return "A key is needed. Send it as `Authorization: Bearer hg_…`."
    return f"A key is needed. Send it in the header {names[0].decode()}."
