"""Why there is no TLS with a client, for who runs the node. OpenSSL tells what it met, not what to do about it."""

from __future__ import annotations

import ssl
from typing import Final

# By OpenSSL's reason. An alert is what the client has said, before it went.
_DISTRUST: Final = (
    "it does not trust our certificate: the CA is unknown to it, or the certificate is not for the name in its URL"
)
_TOO_OLD: Final = "it speaks only versions of TLS below `tls.minimum`"
_IN_THE_CLEAR: Final = (
    "it speaks HTTP in the clear on a port for TLS: its URL has to begin with https://, or the port is that of `bind`"
)
_NO_TLS: Final = "what it sends is no TLS"
_SAID: Final = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "it shows no certificate, and `tls.client_ca` wants one of every client; `tls.client_auth` as \"request\" leaves that to routes"
    ),
    "HTTP_REQUEST": _IN_THE_CLEAR,
    "HTTPS_PROXY_REQUEST": "it takes this port for a proxy's: what it asks for is CONNECT, in the clear",
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "UNEXPECTED_MESSAGE": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "VERSION_TOO_LOW": _TOO_OLD,
    "NO_SHARED_CIPHER": "it has no cipher in common with us",
    "TLSV1_ALERT_UNKNOWN_CA": _DISTRUST,
    "SSLV3_ALERT_BAD_CERTIFICATE": _DISTRUST,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _DISTRUST,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it finds our certificate expired",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks none of our versions of TLS",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it has found nothing in common with us",
}  # fmt: skip


def why_no_tls(error: Exception) -> str:
    """A handshake's failure in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({error.verify_message}): `tls.client_ca` has not signed it, or it is not valid now"
    reason: str | None = getattr(error, "reason", None)
    if reason is None:
        return str(error) or "the connection broke"
    return _SAID.get(reason, reason.lower().replace("_", " "))
