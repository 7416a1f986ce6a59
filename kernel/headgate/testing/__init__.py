"""The kit that plugin authors test with: a node on a real socket, upstreams that misbehave, stores in memory."""

from headgate.contracts.memory import MemoryBlobs, MemoryCalls, MemoryIdentity, MemoryLeases
from headgate.contracts.memory_ledger import MemoryLedger
from headgate.testing.gate import Answer, Gate, open_gate
from headgate.testing.upstreams import Received, ScriptedUpstream, Wire, answer, hangs, reply, resets, says

__all__ = [
    "Answer",
    "Gate",
    "MemoryBlobs",
    "MemoryCalls",
    "MemoryIdentity",
    "MemoryLeases",
    "MemoryLedger",
    "Received",
    "ScriptedUpstream",
    "Wire",
    "answer",
    "hangs",
    "open_gate",
    "reply",
    "resets",
    "says",
]
