"""Where Headgate may connect to. Pure: names and addresses in, a reason to refuse out.

1. What is judged is the address that will be connected to, after resolution; the name is judged too, before.
   Whoever connects uses exactly the address that was judged, so a second answer of the DNS changes nothing,
   and `0x7f.1` or `2130706433` are what the resolver makes of them.
2. An IPv6 address that carries an IPv4 address (mapped, compatible, NAT64, 6to4) is judged as both.
3. `NEVER` holds for every target: no operator means the cloud's metadata service when they write an upstream,
   so who does means it says so, in the settings, by host or network.
4. Private and loopback addresses are where upstreams live, and a target that stands in a policy may use them.
   A URL from anywhere else (`untrusted`) may reach public addresses only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Metadata services first, so that the reason names them rather than the range around them.
NEVER: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), why)
    for network, why in (
        ("169.254.169.254/32", "a cloud metadata address"),  # AWS, GCP, Azure, OpenStack, Hetzner
        ("169.254.170.2/32", "a cloud metadata address"),  # AWS ECS credentials
        ("fd00:ec2::254/128", "a cloud metadata address"),  # AWS over IPv6
        ("fd20:ce::254/128", "a cloud metadata address"),  # GCP over IPv6
        ("100.100.100.200/32", "a cloud metadata address"),  # Alibaba
        ("192.0.0.192/32", "a cloud metadata address"),  # Oracle, before it moved to 169.254
        ("168.63.129.16/32", "a cloud metadata address"),  # Azure's wire server
        ("169.254.0.0/16", "a link-local address"),  # RFC 3927
        ("fe80::/10", "a link-local address"),  # RFC 4291 §2.5.6
        ("0.0.0.0/8", "an unspecified address"),  # RFC 1122 §3.2.1.3; Linux takes 0.0.0.0 for loopback
        ("::/128", "an unspecified address"),
        ("224.0.0.0/4", "a multicast address"),
        ("ff00::/8", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("240.0.0.0/4", "a reserved address"),  # RFC 1112 §4
        ("fec0::/10", "a reserved address"),  # site-local, withdrawn by RFC 3879
    )
)

METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.azure.com",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ip_network("::/96")  # RFC 4291 §2.5.5.1


@dataclass(frozen=True, slots=True)
class Egress:
    """The rules of one node. `networks` and `hosts` are what the settings allow although `NEVER` forbids it."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def allowing(cls, entries: Iterable[str]) -> Egress:
        """From the settings: each entry is an address, a CIDR, or a host name. ValueError for an empty one."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in entries:
            if not entry.strip():
                raise ValueError("an egress rule is empty; write an address, a network or a host name")
            try:
                networks.append(ip_network(entry.strip()))
            except ValueError:
                if "/" in entry:
                    raise ValueError(f"{entry!r} is not a network: write it as 10.0.0.0/8 or fd00::/8") from None
                hosts.add(plain_name(entry))
        return cls(tuple(networks), frozenset(hosts))

    def refuses_name(self, host: str) -> str | None:
        """Why this name may not be asked for, or None."""
        name = plain_name(host)
        if name in METADATA_NAMES and name not in self.hosts:
            return f"{host} names a cloud metadata service"
        return None

    def refuses(self, host: str, address: str, *, untrusted: bool = False) -> str | None:
        """Why `address`, to which `host` resolved, may not be connected to, or None."""
        if plain_name(host) in self.hosts:
            return None
        for one in faces(ip_address(address)):
            why = self._refuses_face(one, untrusted=untrusted)
            if why is not None:
                return f"{address} is {why}"
        return None

    def _refuses_face(self, address: Address, *, untrusted: bool) -> str | None:
        if any(address in network for network in self.networks):
            return None
        for network, why in NEVER:
            if address in network:
                return why
        if untrusted and not address.is_global:
            return "not a public address"
        return None


def plain_name(host: str) -> str:
    """A host name as it is compared: lower case, without white space or the root's final dot."""
    return host.strip().rstrip(".").lower()


def faces(address: Address) -> list[Address]:
    """Every address that this one stands for: itself (without its zone), and an IPv4 address inside.

    A mapped address is its IPv4 address alone: `::ffff:10.0.0.1` is 10.0.0.1 and nothing besides.
    """
    if isinstance(address, IPv4Address):
        return [address]
    bare = IPv6Address(int(address))
    if bare.ipv4_mapped is not None:
        return [bare.ipv4_mapped]
    found: list[Address] = [bare]
    if bare in _NAT64 or (bare in _COMPATIBLE and int(bare) > 0xFFFF):
        found.append(IPv4Address(int(bare) & 0xFFFFFFFF))
    if bare.sixtofour is not None:
        found.append(bare.sixtofour)
    return found
