"""How a request to a provider shows the gateway's key. The key is revealed here, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.api import Node, Outgoing, UpstreamFault
from headgate.api.ai import Authorizes
from headgate_ai.failures import KeyFault

if TYPE_CHECKING:
    from headgate_ai.models import Model

_BEARER: Final = b"Bearer "
# What who gives tokens says of a key that is none. What else may happen there is not the key's fault.
_NO: Final = frozenset({400, 401, 403})


def show_key(model: Model, place: int, outgoing: Outgoing, node: Node) -> str | None:
    """Put that key of the model into the lines; it comes back where the dialect has to `sign` with it. UpstreamFault where
    it is not set."""
    known = model.keys.lines(place)
    if known is not None:
        outgoing.headers.extend(known)
        return None
    key = model.key(place, node)
    if key is None:
        return None
    if model.provider.auth == "dialect":
        return key
    lines = model.provider.credential(key)
    model.keys.showed(place, lines)
    outgoing.headers.extend(lines)
    return None


async def sign(model: Model, place: int, key: str, outgoing: Outgoing, node: Node) -> None:
    """Sign with that key, or get a token for it. UpstreamFault, KeyFault where the key is of no use."""
    if not isinstance(model.dialect, Authorizes) or node.rehearsing:
        return
    before = len(outgoing.headers)
    secret, options = model.keys.secrets[place], model.endpoint.options
    try:
        await model.dialect.authorize(outgoing, model.target, secret, options, node)
    except UpstreamFault as fault:
        if is_the_keys(fault):
            raise KeyFault(
                fault.kind, fault.message, status=fault.status_hint, sent=False, record=fault.record
            ) from None
        raise
    for name, value in outgoing.headers[before:]:
        if name == b"authorization" and value.startswith(_BEARER) and value[len(_BEARER) :].decode() != key:
            model.keys.got(value[len(_BEARER) :].decode())


def is_the_keys(fault: UpstreamFault) -> bool:
    """Whether it is the key's fault that there is no token: it is no key at all, or it was refused."""
    if fault.kind == "upstream.status":
        return fault.record.get("upstream_status") in _NO
    return fault.kind == "upstream.refused" and "key" in fault.record
