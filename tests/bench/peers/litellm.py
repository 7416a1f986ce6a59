"""LiteLLM's proxy: OpenAI's provider, with the address of the upstream."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from tests.bench.bed import Bed
from tests.bench.installed import PYTHON, python_peers
from tests.bench.peers.peer import Peer


class LiteLlm(Peer):
    name = "litellm"
    configuration = "litellm.yaml"
    port = 18106
    patience = 3.0

    def missing(self) -> str:
        return python_peers()

    def version(self) -> str:
        asked = "import importlib.metadata as m; print(m.version('litellm'))"
        return subprocess.run([PYTHON / "bin" / "python", "-c", asked], capture_output=True, text=True).stdout.strip()

    def command(self, bed: Bed) -> list[str]:
        program = str(PYTHON / "bin" / "litellm")
        bind = ["--host", "127.0.0.1", "--port", str(self.port)]
        return [program, "--config", self.configuration, *bind, "--num_workers", "1", "--telemetry", "False"]

    def headers(self, bed: Bed) -> Mapping[str, str]:
        return {"authorization": "Bearer sk-bench-made-for-this-run-0123456789abcdef"}

    def environ(self, bed: Bed) -> Mapping[str, str]:
        # https://docs.litellm.ai/docs/proxy/prod; the price list that it brings is as good as one from the network.
        return {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
