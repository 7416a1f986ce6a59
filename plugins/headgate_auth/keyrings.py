"""Keys that tokens may be signed with: read from a key set (RFC 7517), from PEM, or a shared secret. No I/O."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jwk import Key as Jwk
from joserfc.jws import JWSRegistry

MOST_KEYS: Final = 100
# NIST SP 800-131A: shorter RSA keys are not to be used; RFC 7518 §3.2: an HMAC key is as long as its hash.
SMALLEST_RSA_BITS: Final = 2048
SMALLEST_SECRET: Final = 32
_TYPES: Final[Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class Keyring:
    """Keys by id and by what they can verify."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[Jwk]) -> None:
        self._keys = tuple(keys)

    def __repr__(self) -> str:
        return f"<Keyring {len(self._keys)} keys>"

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, kid: str | None, alg: str) -> Jwk | None:
        """The key with that id which fits the algorithm. A token that names none needs a ring in which one key fits."""
        fitting = [key for key in self._keys if _fits(key, alg) and (kid is None or key.kid == kid)]
        return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None


class SharedSecret(Keyring):
    """One HMAC secret; ids mean nothing to it."""

    def find(self, kid: str | None, alg: str) -> Jwk | None:
        return super().find(None, alg)


def _fits(key: Jwk, alg: str) -> bool:
    try:
        JWSRegistry.algorithms[alg].check_key(key)
    except JoseError:
        return False
    return True


def keyring_of(text: str | bytes) -> Keyring:
    """The public keys of a key set, of one key, or of PEM text. ValueError where there is none that can be used.

    Of a set, what cannot be used is left out: encryption keys, symmetric ones, private ones, short ones.
    """
    raw = text.encode() if isinstance(text, str) else text
    if raw.lstrip().startswith(b"-----BEGIN "):
        found = _pem(raw)
    else:
        found = [key for item in _items(raw) if (key := _jwk(item)) is not None]
    if not found:
        raise ValueError("there is no public key for signatures in it")
    return Keyring(found)


def shared_secret(secret: str) -> Keyring:
    """An HMAC secret. ValueError where it is too short to be one."""
    raw = secret.encode()
    if len(raw) < SMALLEST_SECRET:
        raise ValueError(f"a shared secret has {SMALLEST_SECRET} bytes at least")
    if raw.lstrip().startswith(b"-----BEGIN "):
        raise ValueError("a key in PEM form is no shared secret: give it as `keys=`")
    return SharedSecret([OctKey.import_key(raw)])


def _items(raw: bytes) -> list[Any]:
    try:
        data = json.loads(raw)
    except ValueError:
        raise ValueError("it is neither a JSON key set nor a PEM key") from None
    items = data.get("keys", [data]) if isinstance(data, dict) else None
    if not isinstance(items, list) or len(items) > MOST_KEYS:
        raise ValueError(f"it is no key set of at most {MOST_KEYS} keys")
    return items


def _jwk(item: Any) -> Jwk | None:
    """One key of a set, or None where it is not for us."""
    if not isinstance(item, dict) or item.get("use", "sig") != "sig" or "d" in item or item.get("kty") not in _TYPES:
        return None
    try:
        return _imported(_TYPES[item["kty"]], item)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _pem(raw: bytes) -> list[Jwk]:
    if b"PRIVATE" in raw:
        raise ValueError("it is a private key; the public one is enough, and safer")
    for kind in _TYPES.values():
        try:
            key = _imported(kind, raw)
        except (JoseError, ValueError, TypeError):
            continue
        if key is not None:
            return [key]
    return []


def _imported(kind: type[RSAKey] | type[ECKey] | type[OKPKey], data: Any) -> Jwk | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joserfc only warns of short keys; here they are left out
        key = kind.import_key(data)
    if isinstance(key, RSAKey) and key.raw_value.key_size < SMALLEST_RSA_BITS:
        return None
    return key
