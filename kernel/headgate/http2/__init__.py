"""HTTP/2 for either side of the gateway: a connection (`Session`), its streams, and who may send how much when.

The wire serves with it and `upstream` calls with it; neither knows the other, so what both need is here. The frames and
their states are h2's (RFC 9113); what is ours is who waits for what. This room opens no sockets and knows no requests.
"""

from headgate.http2.calm import Calm
from headgate.http2.machine import Lines
from headgate.http2.outlet import Bytes
from headgate.http2.session import Session
from headgate.http2.sizes import Sizes
from headgate.http2.stream import Lost, Refused, Reset, Stalled, Stream, StreamFault

__all__ = ["Bytes", "Calm", "Lines", "Lost", "Refused", "Reset", "Session", "Sizes", "Stalled", "Stream", "StreamFault"]
