"""hypercorn on trio with httpx: a relay in an afternoon, by the libraries that Headgate stands on too."""

from __future__ import annotations

import importlib.metadata

from tests.bench.bed import Bed
from tests.bench.peers.peer import Peer, here


class Hypercorn(Peer):
    name = "hypercorn+httpx"
    configuration = "relay_app.py"
    port, tls_port = 18105, 18205
    patience = 1.5

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return " + ".join(importlib.metadata.version(name) for name in ("hypercorn", "httpx"))

    def command(self, bed: Bed) -> list[str]:
        tls = ["--bind", f"127.0.0.1:{self.tls_port}", "--certfile", "../bench.pem", "--keyfile", "../bench.key"]
        clear = ["--insecure-bind", f"127.0.0.1:{self.port}"]
        return [*here("hypercorn"), "-k", "trio", "-w", "1", "--log-level", "error", *tls, *clear, "relay_app:app"]
