"""Proofs of thought that another provider made, carried through a client of Anthropic and back.

1. A client of this API returns the `signature` of a thinking block, or the `data` of a redacted one, as it got it. So what
   another provider needs back (its name, ids, its own proof) is packed into that text, with a mark in front.
2. A text without the mark is Anthropic's own. One with the mark never reaches Anthropic: it would be refused.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from headgate.api.ai import Reasoning
from headgate_anthropic.facts import NAME

MARK: Final = "headgate."


class Foreign(msgspec.Struct, array_like=True):
    """What is packed."""

    maker: str | None = None
    id: str | None = None
    signature: str | None = None
    sealed: str | None = None
    summary: bool = False


def pack(part: Reasoning, signature: str | None) -> str:
    """The text that stands for another provider's proof; empty where there is none to carry."""
    if signature is None and part.sealed is None and part.id is None:
        return ""
    packed = Foreign(part.maker, part.id, signature, part.sealed, part.summary)
    return MARK + base64.urlsafe_b64encode(msgspec.json.encode(packed)).decode()


def unpack(text: str) -> Foreign | None:
    """What another provider's proof was; None where the text is Anthropic's own."""
    if not text.startswith(MARK):
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text[len(MARK) :]), type=Foreign)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        return None


def own(part: Reasoning) -> bool:
    """Whether Anthropic made it."""
    return part.maker == NAME
