"""Portkey's gateway: OpenAI's provider, with the upstream as its custom host."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping

from tests.bench.bed import UPSTREAM, Bed
from tests.bench.installed import NODE, node_peers
from tests.bench.peers.peer import Peer

PACKAGE = NODE / "node_modules" / "@portkey-ai" / "gateway"


class Portkey(Peer):
    name = "portkey"
    port = 18107
    patience = 1.5

    def missing(self) -> str:
        return node_peers() if shutil.which("node") else "node is not there (Debian: apt-get install nodejs npm)"

    def version(self) -> str:
        return str(json.loads((PACKAGE / "package.json").read_text())["version"])

    def command(self, bed: Bed) -> list[str]:
        return ["node", str(PACKAGE / "build" / "start-server.js"), f"--port={self.port}", "--headless"]

    def environ(self, bed: Bed) -> Mapping[str, str]:
        return {"NODE_ENV": "production"}

    def headers(self, bed: Bed) -> Mapping[str, str]:
        host = f"http://127.0.0.1:{UPSTREAM}/v1"
        return {"x-portkey-provider": "openai", "x-portkey-custom-host": host, "authorization": "Bearer sk-bench"}
