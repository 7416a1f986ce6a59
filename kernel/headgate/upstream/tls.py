"""TLS as a client speaks it: the platform's trust, names checked, HTTP/1.1 by ALPN, one context per CA file."""

from __future__ import annotations

import ssl


class TlsContexts:
    """Client contexts by CA file, each built once. `alpn` are the protocols to offer, in order of preference."""

    def __init__(self, alpn: tuple[str, ...] = ("http/1.1",)) -> None:
        self._alpn = alpn
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    def __repr__(self) -> str:
        return f"<TlsContexts {'+'.join(self._alpn)} [{len(self._contexts)} built]>"

    def get(self, ca_file: str | None = None) -> ssl.SSLContext:
        """The context that trusts `ca_file` alone, or what the platform trusts. OSError where the file is unusable."""
        context = self._contexts.get(ca_file)
        if context is None:
            context = ssl.create_default_context(cafile=ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(list(self._alpn))
            self._contexts[ca_file] = context
        return context


def tls_reason(error: BaseException) -> str:
    """What failed in a handshake, in words."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError) and cause.reason:
        return f"the TLS handshake failed ({cause.reason.lower().replace('_', ' ')})"
    return "the connection broke in the TLS handshake"
