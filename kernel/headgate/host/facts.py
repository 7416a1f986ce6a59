"""A node as its settings describe it, for what policies may depend on."""

from __future__ import annotations

from headgate.contracts.facts import NodeFacts
from headgate.host.settings import Settings


def facts_of(settings: Settings, *, serves: bool) -> NodeFacts:
    """The facts; `serves` where this is the node itself."""
    tls = settings.tls
    return NodeFacts(
        tls=bool(settings.bind_tls), client_ca=tls.client_ca is not None, client_auth=tls.asks, serves=serves
    )
