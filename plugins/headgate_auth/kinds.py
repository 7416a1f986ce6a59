"""How authentication fails: the kinds, the messages' frame, and the challenge that goes with each 401 (RFC 9110 §11)."""

from __future__ import annotations

from typing import Final, NoReturn

from headgate.api import ClientFault, Kind

KINDS: Final = (Kind("auth.unavailable", 503, "Credentials cannot be checked now"),)
RAISES: Final = ("auth.missing", "auth.invalid", "auth.unavailable")

BEARER: Final = b'Bearer realm="headgate"'
# RFC 6750 §3.1: no error code where no credential was given at all.
BEARER_INVALID: Final = BEARER + b', error="invalid_token"'
BASIC: Final = b'Basic realm="headgate", charset="UTF-8"'


def missing(message: str, challenge: bytes) -> NoReturn:
    """401: nothing was given."""
    raise ClientFault("auth.missing", message, status=401, headers=[(b"www-authenticate", challenge)])


def invalid(message: str, challenge: bytes) -> NoReturn:
    """401: what was given does not hold. The message never repeats it."""
    raise ClientFault("auth.invalid", message, status=401, headers=[(b"www-authenticate", challenge)])


def unavailable(message: str) -> NoReturn:
    """503: it cannot be checked now, so it does not pass."""
    raise ClientFault("auth.unavailable", message, status=503)
