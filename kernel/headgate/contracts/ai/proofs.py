"""Proofs of thought, carried through a client of another dialect and back to who made them.

1. A client returns what stands where its dialect has a proof, as it got it. So what another provider needs back (its name,
   ids, its own proof, what it sealed) is packed into that text, with a mark in front.
2. A text without the mark is the dialect's own. One with the mark never reaches its provider: it would be refused.
3. Streams bring the words first and the proof behind them: `joined` puts the pieces together that came back apart.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Final

import msgspec

from headgate.contracts.ai.chat import AnyPart
from headgate.contracts.ai.parts import Reasoning

MARK: Final = "headgate."


class _Carried(msgspec.Struct, array_like=True):
    """What is packed."""

    maker: str | None = None
    id: str | None = None
    signature: str | None = None
    sealed: str | None = None
    summary: bool = False


def carry(part: Reasoning, signature: str | None) -> str:
    """The text that stands for another provider's proof; empty where there is none to carry."""
    if signature is None and part.sealed is None and part.id is None:
        return ""
    packed = _Carried(part.maker, part.id, signature, part.sealed, part.summary)
    return MARK + base64.urlsafe_b64encode(msgspec.json.encode(packed)).decode()


def carried(text: str, words: str = "") -> Reasoning | None:
    """The thought with these words that a client brought back; None where the text is its own dialect's."""
    if not text.startswith(MARK):
        return None
    try:
        came = msgspec.json.decode(base64.urlsafe_b64decode(text[len(MARK) :]), type=_Carried)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Reasoning(
        text=words, signature=came.signature, sealed=came.sealed, id=came.id, summary=came.summary, maker=came.maker
    )


def joined(parts: Iterable[AnyPart]) -> list[AnyPart]:
    """The same parts, but words of thought without a proof go into the proof without words that stands right behind."""
    made: list[AnyPart] = []
    for part in parts:
        if isinstance(part, Reasoning) and part.maker is not None:
            while made and isinstance(last := made[-1], Reasoning) and not (last.signature or last.sealed):
                part = msgspec.structs.replace(part, text=last.text + part.text)
                made.pop()
        made.append(part)
    return made
