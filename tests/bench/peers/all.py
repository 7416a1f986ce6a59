"""Every peer, in the order of their turns."""

from __future__ import annotations

from tests.bench.peers.caddy import Caddy
from tests.bench.peers.envoy import Envoy
from tests.bench.peers.haproxy import Haproxy
from tests.bench.peers.headgate import Ai, OneWorker, Rest, Streams, TwoWorkers
from tests.bench.peers.hypercorn import Hypercorn
from tests.bench.peers.litellm import LiteLlm
from tests.bench.peers.nginx import Nginx
from tests.bench.peers.peer import Peer
from tests.bench.peers.portkey import Portkey
from tests.bench.peers.relay import HttpRelay, Relay

PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Nginx(), Haproxy(), Caddy(), Envoy(), Hypercorn(), LiteLlm(), Portkey(), Relay(), HttpRelay(), Rest(), OneWorker(), TwoWorkers(), Ai(), Streams(),
    )
}  # fmt: skip
