"""Bytes out: the only exit to the network. Targets, the pool, the clients, TLS, and the egress rules."""

from headgate.upstream.choice import Transports
from headgate.upstream.dial import Dialer
from headgate.upstream.egress import Egress
from headgate.upstream.h1 import Http1Transport
from headgate.upstream.h2 import Http2Transport
from headgate.upstream.on_demand import FetchOnDemand
from headgate.upstream.pool import Pool
from headgate.upstream.tls import TlsContexts

__all__ = ["Dialer", "Egress", "FetchOnDemand", "Http1Transport", "Http2Transport", "Pool", "TlsContexts", "Transports"]
