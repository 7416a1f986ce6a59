"""What a running node offers to steps and stores: `ctx.node`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from headgate.contracts.ai import Speaks
    from headgate.contracts.clock import Clock
    from headgate.contracts.fetch import Fetch
    from headgate.contracts.ledger import Ledger
    from headgate.contracts.stores import Blobs, CacheStore, Calls, Identity, Leases
    from headgate.contracts.transport import Transport


@dataclass(slots=True)
class Stores:
    """The stores of this node, by role. A role that no plugin fills is None; asking for it is a PluginFault."""

    identity: Identity | None = None
    leases: Leases | None = None
    calls: Calls | None = None
    ledger: Ledger | None = None
    cache: CacheStore | None = None
    blobs: Blobs | None = None


@dataclass(slots=True)
class Node:
    """One worker's services. Built by `serve`, by `headgate test`, and by `headgate.testing`; never global.

    `rehearsing` is True where in-file tests run: nothing then leaves the process, and `fakes` holds what the test gave
    for a step, a resource or `split`. `state` is where a plugin keeps what its steps share, under its own name: a
    plugin object serves several nodes (the one that serves, those that rehearse), so it keeps nothing itself.
    `leads`: whether this process sees to what one process of a node has to see to, now; ask each time.
    `dialects` are what the plugins speak with models, by name. `trusted` are the networks of proxies whose forwarding headers are believed.
    """

    clock: Clock
    transport: Transport
    fetch: Fetch
    stores: Stores
    data: Path | None = None
    worker: str = "w0"
    trusted: frozenset[IPv4Network | IPv6Network] = frozenset()
    rehearsing: bool = False
    leads: bool = True
    fakes: dict[str, Any] = field(default_factory=dict)
    dialects: dict[str, Speaks] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
