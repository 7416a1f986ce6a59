"""The bare relay in trio: bytes from one socket to another. What streams are compared with."""

from __future__ import annotations

import sys

import trio
from tests.bench.bed import STREAMS, UPSTREAM, Bed
from tests.bench.peers.peer import Peer


class Relay(Peer):
    name = "relay"
    configuration = "../stream_relay.py"
    port = 18108
    stream_path = "/"
    upstream = STREAMS

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return f"trio {trio.__version__}"

    def command(self, bed: Bed) -> list[str]:
        return [sys.executable, "stream_relay.py", str(self.port), str(self.upstream)]


class HttpRelay(Relay):
    """The same between the load and the upstream of requests: it reads no HTTP, so that nothing in trio is quicker."""

    name = "relay-http"
    port = 18114
    stream_path = ""
    upstream = UPSTREAM
