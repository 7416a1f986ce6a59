"""What may stand as the address of an upstream."""

from __future__ import annotations

import pytest

from headgate.contracts.transport import Target


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a.example", "http://a.example"),
        ("https://a.example:443/base/", "https://a.example/base"),
        ("http://[::1]:8080/x%20y", "http://[::1]:8080/x%20y"),
        ("http://my_service:9000", "http://my_service:9000"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
    ],
)
def test_an_address_is_read_as_it_is_meant(url: str, shown: str) -> None:
    assert str(Target.parse(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a", "a:80", "http://", "http://a b", "http://a/b c", "http://a/é", "http://a?x=1", "http://u:p@a",
        "http://a#f", "http://a:99999", "http://a:x", 'http://a"b',
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Target.parse(url)
