"""Caddy, bare. Go takes as many threads as it may run on cores: one."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.bed import Bed
from tests.bench.peers.peer import Peer


class Caddy(Peer):
    name = "caddy"
    program = "caddy"
    how = "Debian: apt-get install caddy"
    configuration = "Caddyfile"
    port, tls_port = 18103, 18203

    def command(self, bed: Bed) -> list[str]:
        return ["caddy", "run", "--config", self.configuration, "--adapter", "caddyfile"]

    def environ(self, bed: Bed) -> Mapping[str, str]:
        folder = str(bed.of(self.name))
        return {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
