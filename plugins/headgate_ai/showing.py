"""How a request to a provider shows the gateway's key. The key is revealed here, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.api import Node, Outgoing
from headgate.api.ai import Authorizes

if TYPE_CHECKING:
    from headgate_ai.models import Model

_BEARER: Final = b"Bearer "


async def show_key(model: Model, place: int, outgoing: Outgoing, node: Node) -> None:
    """Put that key of the model into the lines. UpstreamFault where it is not set, or where no token can be got for it."""
    key = model.key(place, node)
    if key is None:
        return
    outgoing.headers.extend(model.provider.credential(key))
    if model.provider.auth == "dialect" and isinstance(model.dialect, Authorizes) and not node.rehearsing:
        before = len(outgoing.headers)
        await model.dialect.authorize(
            outgoing, model.target, model.keys.secrets[place], model.endpoint.options, node
        )  # fmt: skip
        for name, value in outgoing.headers[before:]:
            if name == b"authorization" and value.startswith(_BEARER) and value[len(_BEARER) :].decode() != key:
                model.keys.got(value[len(_BEARER) :].decode())
