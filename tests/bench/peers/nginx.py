"""nginx, bare: it forwards, and does nothing else."""

from __future__ import annotations

from tests.bench.bed import Bed
from tests.bench.peers.peer import Peer, said


class Nginx(Peer):
    name = "nginx"
    program = "nginx"
    how = "Debian: apt-get install nginx-light"
    configuration = "nginx.conf"
    port, tls_port = 18101, 18201
    stream_path = "/stream"

    def version(self) -> str:
        return said("-v", self.program)

    def command(self, bed: Bed) -> list[str]:
        return ["nginx", "-p", ".", "-e", "nginx.err", "-c", self.configuration]
