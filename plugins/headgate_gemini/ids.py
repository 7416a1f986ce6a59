"""Ids of tool calls. They carry what Gemini wants back with a call and what no other dialect has a place for.

1. Gemini 3 refuses a call in the history without the `thoughtSignature` that came with it
   (https://ai.google.dev/gemini-api/docs/thought-signatures). Clients of every dialect send the id of a call back as it
   was, so the signature travels in the id, and nothing has to be remembered here.
2. Where Gemini gives a call no id, one is made from the place of the call: the same answer has the same ids.
3. An id that needs neither is Gemini's own. One that came from elsewhere goes to Gemini as it is.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple

import msgspec

_MARK: Final = "gemini_"


class _Packed(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    own: str | None
    signature: str | None
    place: str


class CallId(NamedTuple):
    """What an id is made of: Gemini's own id, and the signature of the call."""

    own: str | None
    signature: str | None = None


_packed = msgspec.json.Decoder(_Packed)


def pack(own: str | None, signature: str | None, place: str) -> str:
    """The id that clients see. `place` tells two calls without ids apart."""
    if own and signature is None and not own.startswith(_MARK):
        return own
    packed = msgspec.json.encode(_Packed(own, signature, "" if own else place))
    return _MARK + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def unpack(ident: str) -> CallId:
    """What `pack` put together; an id that it never made is its own."""
    if not ident.startswith(_MARK):
        return CallId(ident or None)
    text = ident.removeprefix(_MARK)
    try:
        packed = _packed.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, msgspec.DecodeError):
        return CallId(ident)
    return CallId(packed.own, packed.signature)
