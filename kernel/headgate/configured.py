"""The kernel's settings as what a node is built of: networks, limits, binds and certificates, and what is wrong with them.

1. What can be told of the settings alone is told of all of them at once, by `faults_of`, when they are read.
2. What shows only where they are used, a file that is not there or a port that is taken, is told then, and that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headgate.errors import SettingsError
from headgate.host.settings import Settings
from headgate.host.tables import read_tables
from headgate.upstream import Egress
from headgate.wire.binds import QUIC, TLS, check_bind
from headgate.wire.limits import Limits

if TYPE_CHECKING:
    from headgate.wire.certificates import Certificates


def faults_of(settings: Settings, *, listens: bool = True) -> list[str]:
    """What is wrong with settings whose kinds are right, each with its place; `listens` where the node does so itself."""
    return [settings.origins.told(error) for error in _faults(settings, listens)]


def _faults(settings: Settings, listens: bool) -> Iterator[SettingsError]:
    for check in (limits_of, egress_of, trusted_by, *(_LISTENING if listens else ())):
        try:
            check(settings)
        except SettingsError as error:
            yield error


def egress_of(settings: Settings) -> Egress:
    """Where upstreams may be. SettingsError."""
    try:
        return Egress.allowing(settings.egress.allow)
    except ValueError as error:
        raise SettingsError(f"`egress.allow`: {error}", "egress", "allow") from None


def trusted_by(settings: Settings) -> frozenset[IPv4Network | IPv6Network]:
    """The networks of `trusted_proxies`. SettingsError."""
    try:
        return frozenset(ip_network(network) for network in settings.trusted_proxies)
    except ValueError as error:
        said = f"`trusted_proxies`: {error}; write networks as 10.0.0.0/8 or fd00::/8"
        raise SettingsError(said, "trusted_proxies") from None


def limits_of(settings: Settings) -> Limits:
    """The table `[limits]`. SettingsError."""
    limits: Limits = read_tables({"limits": settings.limits}, {"limits": Limits}, settings.origins)["limits"]
    return limits


def binds_of(settings: Settings) -> list[str]:
    """All that is listened on, in the clear and with TLS."""
    return [
        *settings.bind, *(TLS + bind for bind in settings.bind_tls), *(QUIC + bind for bind in settings.bind_quic)
    ]  # fmt: skip


def certificates_of(settings: Settings) -> Certificates | None:
    """The certificates of `[tls]`, where something is bound with TLS. SettingsError."""
    tls = settings.tls
    if not settings.bind_tls and not settings.bind_quic:
        return None
    if settings.bind_quic and find_spec("aioquic") is None:
        raise SettingsError("`bind_quic` needs aioquic: pip install 'headgate[http3]'", "bind_quic")
    _check_asks(settings)
    pairs = _pairs_of(settings)
    ca = Path(tls.client_ca) if tls.client_ca is not None else None
    from headgate.wire.certificates import Certificates, TlsPlan  # cryptography: nine megabytes, for TLS alone

    return Certificates(TlsPlan(pairs=pairs, client_ca=ca, client_auth=tls.asks, minimum=tls.minimum))


def _pairs_of(settings: Settings) -> list[tuple[Path, Path]]:
    tls = settings.tls
    if not settings.bind_tls and not settings.bind_quic:
        return []
    pairs = [(Path(one.cert), Path(one.key)) for one in tls.certificates]
    if tls.cert is not None or tls.key is not None:
        if tls.cert is None or tls.key is None:
            given, missing = ("cert", "key") if tls.key is None else ("key", "cert")
            raise SettingsError(f"`tls.cert` and `tls.key` belong together: `tls.{missing}` is missing", "tls", given)
        pairs.insert(0, (Path(tls.cert), Path(tls.key)))
    return pairs


def _check_asks(settings: Settings) -> None:
    tls = settings.tls
    if settings.bind_quic and tls.asks == "require":
        said, key = (
            (
                "`tls.client_auth` is `require`, and `bind_quic` cannot ask clients for certificates: say `request`",
                "client_auth",
            )
            if tls.client_auth
            else (
                "`tls.client_ca` makes every client show a certificate, and `bind_quic` cannot ask for one: set "
                "`tls.client_auth` to `request`",
                "client_ca",
            )
        )
        rest = ", and let the routes that need one ask (`auth.mtls`), or leave out `bind_quic`"
        raise SettingsError(said + rest, "tls", key)


def _check_admin(settings: Settings) -> None:
    if settings.admin_bind:
        check_bind(settings.admin_bind, "admin_bind")


def _check(setting: str, prefix: str = "") -> Callable[[Settings], None]:
    """The first of these binds that is none is complained of."""

    def check(settings: Settings) -> None:
        for bind in getattr(settings, setting):
            check_bind(prefix + bind, setting)

    return check


_LISTENING: Final = (
    _check("bind"), _check("bind_tls", TLS), _check("bind_quic", QUIC), _check_admin, _pairs_of, _check_asks,
)  # fmt: skip
