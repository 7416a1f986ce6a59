"""Bytes in: the HTTP/1.1 lane, its limits, and the client's side of an answer.

The pipeline gives an `Exchanger` and gets a `Request`, a `Client` and a `Reply` for each request; `serve` opens
listeners and runs `serve_lane`. `head.py`, `target.py`, `chunks.py` and `answer.py` decide and do no I/O.
"""

from headgate.wire.handler import Exchanger, OnRefused
from headgate.wire.lane import open_listeners, serve_lane
from headgate.wire.limits import Limits
from headgate.wire.refusal import Refusal
from headgate.wire.table import Connections
from headgate.wire.writer import Reply

__all__ = ["Connections", "Exchanger", "Limits", "OnRefused", "Refusal", "Reply", "open_listeners", "serve_lane"]
