"""`python -m tests.bench.big`: bodies of many gigabytes, either way, and the most memory that the node had meanwhile."""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from tests.bench.memory import sampling
from tests.bench.transfers import DOORS, download, upload, upstream
from tests.support.live_node import LiveNode, live_node

POLICY = """policy 1
upstream u {{ url = "http://127.0.0.1:{port}" }}
route down GET /{{size}} public {{ forward u timeout=1h }}
route up POST /up public {{ forward u timeout=1h }}
"""
WARM_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Passed:
    """What it took: the most that all processes held beyond what they held before, in MB."""

    door: str
    way: str
    size: int
    seconds: float
    before_mb: float
    grew_mb: float


@dataclass(slots=True)
class Node:
    """A node with one worker, with and without TLS."""

    live: LiveNode
    clear: int
    secure: int

    def port(self, door: str) -> int:
        return self.clear if door == "HTTP/1.1" else self.secure


def free_port() -> int:
    """One that nobody has, a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def node(folder: Path, policy: str, *args: str) -> Iterator[Node]:
    """Serve it until the end of the block."""
    made = trustme.CA().issue_cert("localhost")
    cert, key, policies = folder / "one.pem", folder / "one.key", folder / "one.policy"
    cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    policies.write_text(policy)
    clear, secure = free_port(), free_port()
    tls = ["--bind-tls", f"127.0.0.1:{secure}", "--cert", str(cert), "--key", str(key)]
    with live_node(policies, folder, "--workers", "1", "--no-reload", *tls, *args, port=clear) as live:
        yield Node(live, clear, secure)


def passed(on: Node, door: str, way: str, size: int) -> Passed:
    """Send one body through, behind a smaller one that warms up. ValueError where bytes are missing."""
    send = download if way == "down" else upload
    send(on.port(door), door, WARM_BYTES)
    began = time.monotonic()
    with sampling(on.live.process.pid, 0.05) as samples:
        came = send(on.port(door), door, size)
    if came != size:
        raise ValueError(f"{came} bytes came of {size}")
    sums = [one for _, one in samples.sums()]
    return Passed(door, way, size, time.monotonic() - began, sums[0], max(sums) - sums[0])


def size_of(text: str) -> int:
    """64M, 2G."""
    return int(text.rstrip("MG")) << {"M": 20, "G": 30}[text[-1]]


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.big", description=__doc__)
    asked.add_argument("--size", type=size_of, default=size_of("10G"), help="64M, 10G")
    asked.add_argument("--door", choices=DOORS, action="append")
    asked.add_argument("--way", choices=["down", "up"], action="append")
    args = asked.parse_args()
    print(
        "| door | way | size, MiB | seconds | MiB a second | memory before, MB | grew at most, MB |\n"
        + "| --- " * 7
        + "|"
    )
    with tempfile.TemporaryDirectory() as name, upstream() as port, node(Path(name), POLICY.format(port=port)) as on:
        for door in args.door or DOORS:
            for way in args.way or ("down", "up"):
                found = passed(on, door, way, args.size)
                mib = found.size / (1 << 20)
                print(
                    f"| {door} | {way} | {mib:,.0f} | {found.seconds:.0f} | {mib / found.seconds:.0f} | {found.before_mb:.0f} "
                    f"| {found.grew_mb:.1f} |",
                    flush=True,
                )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
