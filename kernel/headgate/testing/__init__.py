"""The kit that plugin authors test with."""

from headgate.testing.upstreams import Received, ScriptedUpstream, Wire, answer, hangs, reply, resets, says

__all__ = ["Received", "ScriptedUpstream", "Wire", "answer", "hangs", "reply", "resets", "says"]
