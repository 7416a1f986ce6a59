"""`auth.mtls`: who has shown a certificate that the listener's CA has signed.

The handshake has verified it (`tls.client_ca`); what is left to a line is whom it lets in. A certificate names a client in
several ways, and any of them may be meant: its common name, its DNS names, its URIs (SPIFFE's among them), its addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from headgate.api import Caller, ClientFault, Const, Exchange, NodeFacts, Site, Text, step
from headgate_auth.lines import header_names, without


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What a client's certificate says of it."""

    name: str
    dns: list[str] = []
    uris: list[str] = []
    emails: list[str] = []
    fingerprint: str = ""

    def caller(self) -> Caller:
        """Who asks under this certificate."""
        return Caller(id=self.name, kind="mtls")


class Admission:
    """Whom a line lets in, and which headers only we may set. None lets in whoever has a certificate."""

    def __init__(self, names: frozenset[str] | None, strip: frozenset[bytes]) -> None:
        self.names = names
        self.strip = strip

    def __repr__(self) -> str:
        return f"<Admission of {'everybody' if self.names is None else len(self.names)}>"


def prepare(site: Site, *, names: Sequence[str] | None = None, strip: Sequence[str] = ()) -> Admission:
    """The admission of a line. ValueError for one that lets nobody in."""
    if names is not None and not names:
        raise ValueError("`names` is empty: nobody would get in")
    return Admission(None if names is None else frozenset(names), header_names(strip))


def doubts(facts: NodeFacts, /, **_: Any) -> Iterator[Sequence[str]]:
    """Why nobody can show a certificate to this node."""
    nobody = "`auth.mtls` lets nobody in: "
    if not facts.tls:
        yield nobody + "nothing is bound with TLS", "set `bind_tls`, `tls.cert`, `tls.key` and `tls.client_ca`"
    elif facts.client_auth == "none":
        unasked = nobody + "no client is asked for a certificate"
        if facts.client_ca:
            yield unasked, '`tls.client_auth` is "none": set it to "request" or "require"'
        else:
            yield unasked, "set `tls.client_ca` to the CA that signs your clients"


@step(
    "auth.mtls", gives="auth", raises=("auth.missing", "auth.invalid"), effect="reads", shadow=True, prepare=prepare,
    doubts=doubts,
)  # fmt: skip
def mtls(
    ctx: Exchange, /, *, names: Const[list[Text] | None] = None, strip: Const[tuple[Text, ...]] = (), site: Site
) -> Peer:
    """Ask for a client's certificate, and bind what it says: name, dns, uris, emails, fingerprint.

    The listener asks for it and verifies it: set `tls.client_ca`, and `tls.client_auth` to `request` where other routes take
    clients without one. `names=` are those that are let in, by any name of the certificate (common name, DNS name, URI,
    address); without it, all that the CA has signed. `strip=` names headers that strangers may not send.
    """
    certificate = ctx.client.certificate
    if certificate is None:
        raise ClientFault("auth.missing", "A client certificate is needed.", status=403)
    admission: Admission = site.prepared
    known = {certificate.name, *certificate.dns, *certificate.uris, *certificate.emails}
    if admission.names is not None and admission.names.isdisjoint(known):
        raise ClientFault("auth.invalid", "This client certificate is not let in here.", status=403)
    peer = Peer(
        name=certificate.name, dns=[*certificate.dns], uris=[*certificate.uris], emails=[*certificate.emails],
        fingerprint=certificate.fingerprint,
    )  # fmt: skip
    if not site.shadow:
        without(ctx.request.headers, admission.strip)
        ctx.caller = peer.caller()
    return peer
