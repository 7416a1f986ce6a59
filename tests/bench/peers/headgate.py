"""Headgate, as `headgate serve` starts it, with a key that `headgate keys create` made."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.bench.bed import BOTH_CORES, ROOT, Bed
from tests.bench.peers.peer import Peer, here

from headgate.host.settings import Settings


class Headgate(Peer):
    """One node. `policies` is what it serves; `workers` on one core."""

    policies: ClassVar[Path]
    workers: ClassVar[int] = 1
    # Asleep, it has not heard for a while whether keys were revoked, and lets nobody in until it has.
    wake_s = 1.0
    # Whether each row has to have tokens and a price.
    priced: ClassVar[bool] = False

    def missing(self) -> str:
        return ""

    def no_tls(self) -> str:
        return "" if knows_tls() else "`headgate serve` does not know TLS"

    def version(self) -> str:
        ran = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
        commit = ran.stdout.strip() or "no commit"
        return f"{importlib.metadata.version('headgate')} ({commit}), Python {sys.version.split()[0]}"

    def program_of(self, bed: Bed) -> list[str]:
        return here("headgate")

    def served(self, bed: Bed) -> Path:
        return self.policies

    def command(self, bed: Bed) -> list[str]:
        self.settle(bed)
        self.headers(bed)  # its key is made before it runs: asleep, it may hold the lock of the database
        quiet = ["--no-access-log", "--no-reload"]
        workers = ["--workers", str(self.workers)] if knows_workers() else []
        return [*self.program_of(bed), "serve", str(self.served(bed)), "--config", "headgate.toml", *quiet, *workers]

    def settle(self, bed: Bed) -> None:
        """Write the settings."""
        lines = [f'bind = ["127.0.0.1:{self.port}"]', 'data = "data"']
        if self.tls_port and knows_tls():
            lines += [f'bind_tls = ["127.0.0.1:{self.tls_port}"]', "[tls]"]
            lines += [f'{name} = "{bed.folder / file}"' for name, file in (("cert", "bench.pem"), ("key", "bench.key"))]
        (bed.of(self.name) / "headgate.toml").write_text("\n".join(lines) + "\n")

    def environ(self, bed: Bed) -> Mapping[str, str]:
        return {"OPENAI_API_KEY": "sk-bench", "BENCH_PROVIDER_KEY": "sk-bench"}

    def data(self, bed: Bed) -> Path:
        return bed.of(self.name) / "data"

    def headers(self, bed: Bed) -> Mapping[str, str]:
        return {"authorization": f"Bearer {made_key(self.data(bed))}"}


class Rest(Headgate):
    """A REST route: key, limit, log row."""

    name = "headgate-rest"
    policies = Path(__file__).parent / "headgate_rest.policy"
    port, tls_port = 18110, 18210


class OneWorker(Rest):
    """The same on either of both cores, beside the load: for those that need two."""

    name = "headgate-rest-1-worker"
    port, tls_port, cores = 18122, 0, BOTH_CORES


class TwoWorkers(OneWorker):
    """The same with two workers."""

    name = "headgate-rest-2-workers"
    port = 18113
    workers = 2

    def missing(self) -> str:
        return "" if knows_workers() else "`headgate serve` does not know --workers"


class Ai(Headgate):
    """The shipped `chat.policy`, with everything on. Its copy here differs in the pace that a key has, and in nothing
    else: at the shipped 600 a minute there would be little to measure."""

    name = "headgate-ai"
    port = 18111
    priced = True
    pace: ClassVar[tuple[str, str]] = ("ai.serve()", "ai.serve(pace=100000000/min)")

    def program_of(self, bed: Bed) -> list[str]:
        return here("tests.bench.peers.headgate_elsewhere")

    def served(self, bed: Bed) -> Path:
        """The shipped folder, copied."""
        shipped, folder = ROOT / "policies", bed.of(self.name) / "policies"
        for file in (shipped / "chat.policy", *(shipped / "shared").glob("*.policy")):
            text = file.read_text()
            assert file.name != "chat.policy" or self.pace[0] in text, "chat.policy has another fragment now"
            copy = folder / file.relative_to(shipped)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text.replace(*self.pace))
        return folder

    def environ(self, bed: Bed) -> Mapping[str, str]:
        return {**super().environ(bed), "PYTHONPATH": str(ROOT)}


class Streams(Headgate):
    """A chat that is passed on event by event: key, chat read, usage, log row."""

    name = "headgate-stream"
    policies = Path(__file__).parents[1] / "streams_policies"
    port = 18112
    stream_path = "/passed"


@functools.cache
def made_key(data: Path) -> str:
    command = [*here("headgate"), "keys", "create", "--team", "bench", "--name", "bench", "--json", "--data", str(data)]
    return str(json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["key"])


@functools.cache
def knows_workers() -> bool:
    """Whether this version has workers."""
    told = subprocess.run([*here("headgate"), "serve", "--help"], capture_output=True, text=True, check=True).stdout
    return "--workers" in told


def knows_tls() -> bool:
    """Whether this version takes TLS itself."""
    return "bind_tls" in Settings.__struct_fields__
