"""What in a text is personal: where it begins, where it ends, and of which kind it is.

1. A `Detector` decides at one place of a text, by what stands there and one character to each side. What it looks at has
   a bounded length, so all of a text takes time linear in its length.
2. It has three answers: something ends here, nothing begins here, or what is to come decides (`OPEN`). A whole text and a
   text that comes in pieces are asked in the same way, so both have the same finds, wherever the cuts are.
3. Finds do not overlap: the one that begins first counts, and of two that begin together the one of the detector that
   stands first in `DETECTORS`.
4. The patterns are Python's own, with possessive quantifiers: they never go back, and they see the character before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, Protocol

from headgate_guard.finding.detectors import OPEN, Detector, Hit
from headgate_guard.finding.emails import EMAIL
from headgate_guard.finding.ids import IDS
from headgate_guard.finding.ips import IPS
from headgate_guard.finding.numbers import CARD, IBAN
from headgate_guard.finding.phones import PHONES

__all__ = ["DETECTORS", "OPEN", "Detector", "Finder", "Finds", "Hit", "PiiKind"]

PiiKind = Literal["email", "phone", "card", "iban", "ip", "ssn", "cpf", "dni", "nir", "aadhaar"]
DETECTORS: Final[Sequence[Detector]] = (EMAIL, IBAN, CARD, *IDS, *PHONES, *IPS)


class Finder(Protocol):
    """Finds something in texts."""

    def hits(self, text: str, pos: int, *, final: bool) -> Iterator[Hit]:
        """What is found from `pos` on, in order, without overlaps. The last one may be open, unless the text is final."""
        ...


class Finds:
    """All finds of several detectors."""

    __slots__ = ("_detectors",)

    def __init__(self, kinds: Sequence[str]) -> None:
        self._detectors = [one for one in DETECTORS if one.kind in kinds]

    def __repr__(self) -> str:
        return f"<Finds {', '.join(dict.fromkeys(one.kind for one in self._detectors))}>"

    def hits(self, text: str, pos: int, *, final: bool) -> Iterator[Hit]:
        """See `Finder`. Each detector looks on from where it was, unless a find of another one reached beyond that."""
        nexts = [one.next(text, pos, final=final) for one in self._detectors]
        while found := [hit for hit in nexts if hit is not None]:
            first = min(found, key=_start)
            yield first
            if first.end == OPEN:
                return
            for place, hit in enumerate(nexts):
                if hit is not None and hit.start < first.end:
                    nexts[place] = self._detectors[place].next(text, first.end, final=final)


def _start(hit: Hit) -> int:
    return hit.start
