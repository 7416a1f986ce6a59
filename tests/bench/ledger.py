"""The call logs of the Headgate nodes, watched run by run."""

from __future__ import annotations

from pathlib import Path

from tests.bench import rows
from tests.bench.bed import Bed
from tests.bench.peers.headgate import Headgate
from tests.bench.peers.peer import Peer


class Ledger:
    """How many rows each node had; and whether it has as many more as it gave answers."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._seen: dict[Path, int] = {}

    def opened(self, peer: Peer) -> None:
        """Before a run: what is there does not count."""
        if isinstance(peer, Headgate):
            data = peer.data(self._bed)
            self._seen[data] = rows.settled(data)

    def closed(self, peer: Peer, answered: int, in_flight: int) -> tuple[int | None, str]:
        """Behind a run: how many rows came, and what is wrong with that. Others keep no such log."""
        if not isinstance(peer, Headgate):
            return None, ""
        data = peer.data(self._bed)
        came = rows.settled(data) - self._seen[data]
        unpriced = rows.unpriced(data) if peer.priced else 0
        wrong = rows.unlike(came, answered, in_flight)
        return came, f"{wrong} {unpriced} rows without tokens or price".strip() if unpriced else wrong
