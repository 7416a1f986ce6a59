"""haproxy, bare."""

from __future__ import annotations

from tests.bench.bed import Bed
from tests.bench.peers.peer import Peer, said


class Haproxy(Peer):
    name = "haproxy"
    program = "haproxy"
    how = "Debian: apt-get install haproxy"
    configuration = "haproxy.cfg"
    port, tls_port = 18102, 18202

    def version(self) -> str:
        return said("-v", self.program)

    def command(self, bed: Bed) -> list[str]:
        return ["haproxy", "-db", "-f", self.configuration]
