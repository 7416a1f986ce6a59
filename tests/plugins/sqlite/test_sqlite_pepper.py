"""Keys are hashed as RFC 2104 says, however the pads are kept."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from headgate_sqlite.pepper import Hashing


@given(st.binary(max_size=64), st.text())
def test_a_digest_is_hmac_sha256(pepper: bytes, secret: str) -> None:
    expected = hmac.digest(pepper, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    assert Hashing(pepper).digest(secret) == expected
