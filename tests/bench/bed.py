"""Where a run of the benchmark lives: its cores, its folder, and the answers that the upstream gives.

1. One gateway is awake at a time, on a core of its own; the upstream and the load have the other.
2. Everything that is written goes below one folder: a folder for each peer, with its configuration and what it printed.
3. What peers are installed into is kept between runs, in `build/bench`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import trustme

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "bench"
CONFIGURATIONS = Path(__file__).parent / "peers"
GATEWAY_CORE, LOAD_CORE = 0, 1
BOTH_CORES = f"{GATEWAY_CORE},{LOAD_CORE}"
UPSTREAM, STREAMS = 18081, 18091

SMALL, BIG, CHAT = "/small", "/big", "/v1/chat/completions"
MODEL = "gpt-4.1-mini"
QUESTION = json.dumps(
    {"model": MODEL, "messages": [{"role": "user", "content": "Say hello, please."}]}, separators=(",", ":")
)
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}, "system_fingerprint": "fp_1",
    },
    separators=(",", ":"),
)  # fmt: skip
BIG_BYTES = 64 * 1024


def answers() -> dict[str, bytes]:
    """What the upstream says at each path."""
    filling = '{"text":"%s"}'
    big = filling % ("x" * (BIG_BYTES - len(filling) + 2))
    return {SMALL: ANSWER.encode(), BIG: big.encode(), CHAT: ANSWER.encode()}


@dataclass(frozen=True, slots=True)
class Bed:
    """The folder of a run."""

    folder: Path

    def made(self) -> Bed:
        """With a certificate, and the large answer as a file."""
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        key = certificate.private_key_pem.bytes()
        for name, data in (("bench.pem", chain), ("bench.key", key), ("bench-both.pem", chain + key)):
            (self.folder / name).write_bytes(data)
        www = self.of("upstream") / "www"
        www.mkdir(exist_ok=True)
        (www / BIG[1:]).write_bytes(answers()[BIG])
        # nginx gives up its rights where it was started as root, and reads the files as somebody else.
        for at in (self.folder, *self.folder.rglob("*")):
            at.chmod(0o755 if at.is_dir() else 0o644)
        return self

    def of(self, name: str) -> Path:
        """A peer's folder."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder
