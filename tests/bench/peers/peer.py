"""What the benchmark knows of a gateway: how it is got, started and called."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from tests.bench.bed import GATEWAY_CORE, Bed
from tests.bench.running import Running, started


class Peer:
    """One gateway. A subclass says what is different: mostly a port, a configuration file and a command.

    `port` is where it takes requests, `tls_port` where it takes them over TLS (0: it does not), `stream_path` where it
    passes streams on ("": it does not). `cores` are those that it may use. `how` is how one gets `program`, for whoever lacks it.
    """

    name: ClassVar[str]
    program: ClassVar[str] = ""
    how: ClassVar[str] = ""
    configuration: ClassVar[str] = ""
    port: ClassVar[int]
    tls_port: ClassVar[int] = 0
    stream_path: ClassVar[str] = ""
    cores: ClassVar[str] = str(GATEWAY_CORE)
    # What a run of it is longer by: who answers a hundred times a second needs time to be measured.
    patience: ClassVar[float] = 1.0
    # What it needs after a sleep before it is measured.
    wake_s: ClassVar[float] = 0.0

    def missing(self) -> str:
        """Why it cannot be measured here, and how that changes; "" if it can."""
        return "" if shutil.which(self.program) else f"{self.program} is not there ({self.how})"

    def no_tls(self) -> str:
        """Why it is not measured over TLS; "" if it is."""
        return "" if self.tls_port else f"{self.name} has no TLS here"

    def version(self) -> str:
        """As it says itself."""
        return said("version", self.program)

    def command(self, bed: Bed) -> list[str]:
        """In the foreground, with one worker."""
        raise NotImplementedError

    def environ(self, bed: Bed) -> Mapping[str, str]:
        return {}

    def headers(self, bed: Bed) -> Mapping[str, str]:
        """The lines that a client has to send."""
        return {}

    @contextmanager
    def run(self, bed: Bed) -> Iterator[Running]:
        """Run it until the block ends."""
        folder = bed.of(self.name)
        command, env = self.command(bed), self.environ(bed)
        with started(
            command, folder, core=self.cores, port=self.port, configuration=self.configuration, env=env
        ) as running:
            running.wake_s = self.wake_s
            yield running


def said(*command_tail: str) -> str:
    """The first number of a version that a program prints."""
    flag, program = command_tail
    ran = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(?:\.\d+)?", ran.stdout + ran.stderr)
    return found[0] if found else "?"


def here(module: str) -> list[str]:
    """A module of this environment as a command."""
    return [sys.executable, "-m", module]
