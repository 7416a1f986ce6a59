"""Which addresses may be connected to: a table, and the rules around it."""

from __future__ import annotations

import pytest

from headgate.upstream.egress import Egress

ANY, PUBLIC_ONLY, NEVER = "any", "public only", "never"

TABLE = [
    ("127.0.0.1", ANY),
    ("10.1.2.3", ANY),
    ("172.16.0.1", ANY),
    ("192.168.1.1", ANY),
    ("100.64.0.1", ANY),
    ("::1", ANY),
    ("fd12::1", ANY),
    ("::ffff:10.0.0.1", ANY),
    ("93.184.216.34", PUBLIC_ONLY),
    ("2606:4700::1111", PUBLIC_ONLY),
    ("::ffff:93.184.216.34", PUBLIC_ONLY),
    ("169.254.169.254", NEVER),
    ("169.254.1.1", NEVER),
    ("169.254.170.2", NEVER),
    ("100.100.100.200", NEVER),
    ("168.63.129.16", NEVER),
    ("192.0.0.192", NEVER),
    ("fd00:ec2::254", NEVER),
    ("fd20:ce::254", NEVER),
    ("fe80::1", NEVER),
    ("fe80::1%1", NEVER),
    ("fec0::1", NEVER),
    ("0.0.0.0", NEVER),
    ("0.1.2.3", NEVER),
    ("::", NEVER),
    ("224.0.0.1", NEVER),
    ("ff02::1", NEVER),
    ("240.0.0.1", NEVER),
    ("255.255.255.255", NEVER),
    ("::ffff:169.254.169.254", NEVER),
    ("::169.254.169.254", NEVER),
    ("64:ff9b::169.254.169.254", NEVER),
    ("2002:a9fe:a9fe::1", NEVER),
]


@pytest.mark.parametrize(("address", "reach"), TABLE)
def test_a_policy_s_target_may_be_private_but_never_metadata(address: str, reach: str) -> None:
    assert (Egress().refuses("orders.test", address) is not None) == (reach == NEVER)


@pytest.mark.parametrize(("address", "reach"), TABLE)
def test_an_untrusted_url_reaches_public_addresses_only(address: str, reach: str) -> None:
    assert (Egress().refuses("orders.test", address, untrusted=True) is None) == (reach == PUBLIC_ONLY)


@pytest.mark.parametrize("host", ["metadata", "Metadata.Google.Internal", "metadata.google.internal.", "instance-data"])
def test_metadata_names_are_not_even_resolved(host: str) -> None:
    assert Egress().refuses_name(host) == f"{host} names a cloud metadata service"


def test_an_ordinary_name_may_be_resolved() -> None:
    assert Egress().refuses_name("metadata.example.com") is None


def test_the_reason_names_the_address_and_what_it_is() -> None:
    assert Egress().refuses("x", "169.254.169.254") == "169.254.169.254 is a cloud metadata address"
    assert Egress().refuses("x", "10.0.0.1", untrusted=True) == "10.0.0.1 is not a public address"


def test_settings_allow_a_network_that_is_refused_otherwise() -> None:
    rules = Egress.allowing(["169.254.7.0/24", "fe80::/10"])
    assert rules.refuses("x", "169.254.7.9") is None
    assert rules.refuses("x", "fe80::1%1") is None
    assert rules.refuses("x", "169.254.8.9") is not None


def test_settings_allow_a_host_wherever_it_points() -> None:
    rules = Egress.allowing(["Metadata.Google.Internal."])
    assert rules.refuses_name("metadata.google.internal") is None
    assert rules.refuses("metadata.google.internal", "169.254.169.254") is None
    assert rules.refuses("other.internal", "169.254.169.254") is not None


@pytest.mark.parametrize("entry", ["", "  ", "10.0.0.0/33", "10.0.0.1/8", "orders/8"])
def test_a_rule_that_means_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError):
        Egress.allowing([entry])
