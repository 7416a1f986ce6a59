"""The certificates that we show, and those that we ask for.

1. The name that a client asks for (SNI, RFC 6066 §3) chooses the certificate: the whole name first, then `*.` and what
   stands behind its first label (RFC 6125 §6.4.3). Who asks for none, or for one that nobody has, gets the first.
2. Files are read anew when they change. A set that cannot be used changes nothing: the old one goes on, and the new one is
   complained of when it stays so from one look to the next. A certificate and its key are two files, and one is replaced
   before the other.
3. A client's certificate is a fact about it only if a CA of ours signed it; one that is asked for and does not hold ends
   the handshake.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtensionOID

from headgate.errors import SettingsError

PROTOCOLS: Final = ("h2", "http/1.1")
_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

Asks = Literal["none", "request", "require"]
Stamps = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPlan:
    """What to serve with: pairs of certificate chain and key, whose CA signs clients, and whether one is asked for."""

    pairs: Sequence[tuple[Path, Path]]
    client_ca: Path | None = None
    client_auth: Asks = "none"
    minimum: Literal["1.2", "1.3"] = "1.2"


class Certificates:
    """The server's side of every handshake. SettingsError where the plan cannot be used."""

    def __init__(self, plan: TlsPlan) -> None:
        self.plan = plan
        self._parsed: tuple[ssl.SSLContext, tuple[x509.Certificate, list[x509.Certificate], Any]] | None = None
        self._seen = self._stamps()
        self._doubted: Stamps | None = None
        self._named, self.context = _build(plan, self)

    def __repr__(self) -> str:
        return f"<Certificates {', '.join(sorted(self._named)) or 'without names'}>"

    def told(self) -> str:
        """What there is now, for people: the names of each, and until when it is valid. Reads the files."""
        found = []
        for chain, _ in self.plan.pairs:
            with suppress(OSError, ValueError, SettingsError):  # replaced once more just now: that will be told, too
                first = x509.load_pem_x509_certificate(chain.read_bytes())
                found.append(f"{', '.join(_names(chain)) or chain} until {first.not_valid_after_utc:%Y-%m-%d}")
        return "; ".join(found)

    def refresh(self) -> bool:
        """Read the files again if they have changed; whether there are new ones. SettingsError where they cannot be used, now and
        when they were last looked at; it is told once, and the old ones go on."""
        now = self._stamps()
        if now == self._seen:
            return False
        try:
            self._named, self.context = _build(self.plan, self)
        except SettingsError:
            if now != self._doubted:
                self._doubted = now
                return False
            self._seen = now
            raise
        self._seen = now
        return True

    def find(self, name: str | None) -> ssl.SSLContext:
        """The context for the name that a client asks for."""
        if name is None:
            return self.context
        name = name.lower().removesuffix(".")
        return self._named.get(name) or self._named.get("*." + name.partition(".")[2]) or self.context

    def for_quic(self) -> tuple[x509.Certificate, list[x509.Certificate], Any]:
        """The first certificate, what stands behind it, and its key: QUIC's handshake is not OpenSSL's."""
        if self._parsed is None or self._parsed[0] is not self.context:
            chain, key = self.plan.pairs[0]
            first, *rest = x509.load_pem_x509_certificates(chain.read_bytes())
            self._parsed = self.context, (first, rest, load_pem_private_key(key.read_bytes(), None))
        return self._parsed[1]

    def _stamps(self) -> Stamps:
        files = [file for pair in self.plan.pairs for file in pair]
        return tuple(_stamp(file) for file in [*files, *([self.plan.client_ca] if self.plan.client_ca else [])])


def _stamp(file: Path) -> tuple[int, int, int] | None:
    with suppress(OSError):
        about = file.stat()
        return about.st_mtime_ns, about.st_size, about.st_ino
    return None


def _build(plan: TlsPlan, owner: Certificates) -> tuple[dict[str, ssl.SSLContext], ssl.SSLContext]:
    named: dict[str, ssl.SSLContext] = {}
    first: ssl.SSLContext | None = None
    for chain, key in plan.pairs:
        context = _context(plan, chain, key)
        context.sni_callback = _chooser(owner)
        first = first or context
        for name in _names(chain):
            named.setdefault(name, context)
    if first is None:
        raise SettingsError("TLS needs a certificate: set `tls.cert` and `tls.key`, or give `--cert` and `--key`")
    return named, first


def _context(plan: TlsPlan, chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[plan.minimum]
    context.set_alpn_protocols(list(PROTOCOLS))
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A key of ours that wants a pass phrase must not ask for it on somebody's terminal.
    try:
        context.load_cert_chain(chain, key, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"the certificate {chain} with the key {key} cannot be used: {_why(error)}") from None
    if plan.client_auth != "none":
        if plan.client_ca is None:
            raise SettingsError(
                "`tls.client_auth` needs `tls.client_ca`: the CA that signs your clients", "tls", "client_auth"
            )
        try:
            context.load_verify_locations(plan.client_ca)
        except (OSError, ssl.SSLError) as error:
            said = f"the CA {plan.client_ca} cannot be used: {_why(error)}"
            raise SettingsError(said, "tls", "client_ca") from None
        context.verify_mode = ssl.CERT_REQUIRED if plan.client_auth == "require" else ssl.CERT_OPTIONAL
    return context


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        if "PEM lib" in str(error):
            return "the one is no chain of certificates in PEM, or the other no private key in PEM"
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key is another certificate's"
        return (error.reason or str(error)).lower().replace("_", " ")
    return error.strerror or str(error)


def _chooser(owner: Certificates) -> Any:
    def choose(session: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        session.context = owner.find(name)

    return choose


def _names(chain: Path) -> list[str]:
    """The names that a certificate is for."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{chain} does not begin with a certificate in PEM: {error}") from None
    try:
        alternative = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return []
    assert isinstance(alternative, x509.SubjectAlternativeName)
    return [name.lower() for name in alternative.get_values_for_type(x509.DNSName)]
