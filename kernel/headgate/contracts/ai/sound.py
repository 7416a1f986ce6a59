"""What a provider said, held to what this project says of it: so that whoever writes it for a client may rely on it.

1. A dialect's reader translates; it need not distrust each field. Where it stumbles, what it was given is Garbled. What it
   made is looked at here: a value of another type than its field has, one that no JSON can hold, or something that
   happens out of order, is Garbled too.
2. Of what happens often, the fragments of texts, only the type of the text and the part that it belongs to are looked at.
3. A stream whose first event says something has begun with it. What stands behind its end is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, get_args

import msgspec

from headgate.contracts.ai.answers import Answer, Counted, Said
from headgate.contracts.ai.dialects import Garbled, Refusal
from headgate.contracts.ai.events import (
    ArgumentsDelta,
    AudioDelta,
    Began,
    CitationDelta,
    Closed,
    Ended,
    Failed,
    Happening,
    Opened,
    Pinged,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Stopped,
    TextDelta,
    Used,
)
from headgate.contracts.ai.parts import Audio, Reasoning, Refused, Text, ToolCall
from headgate.contracts.ai.typed import STUMBLES, IllTyped, typed

# What each kind of part grows by.
_GROWS: Final[dict[type, frozenset[type]]] = {
    Text: frozenset({TextDelta, CitationDelta}), Refused: frozenset({RefusalDelta, CitationDelta}),
    ToolCall: frozenset({ArgumentsDelta}), Reasoning: frozenset({ReasoningDelta, SignatureDelta}),
    Audio: frozenset({AudioDelta}),
}  # fmt: skip
_DELTAS: Final = frozenset[type]().union(*_GROWS.values())
# What may happen at any time, and opens and ends nothing.
_ALONE: Final = frozenset({Began, Used, Pinged})
# Fragments that are nothing but a text, as a rule.
_WORDS: Final = frozenset({TextDelta, ArgumentsDelta, ReasoningDelta, RefusalDelta})
_KINDS: Final = frozenset(get_args(Happening))
# Of counts that are what they have to be; whatever else they are made of is looked at closely.
_COUNTS: Final = tuple(map(type, msgspec.structs.astuple(Counted())))
_WRONG: Final = "with something that is not of the type that its dialect says"
_ORDER: Final = "with a stream whose events are out of order"

_T = TypeVar("_T")
_D = TypeVar("_D")


def _read(read: Callable[[_D], _T], data: _D) -> _T:
    try:
        return read(data)
    except Garbled:
        raise
    except STUMBLES:
        raise Garbled(_WRONG) from None


def _typed(value: _T, kind: Any) -> _T:
    try:
        return typed(value, kind)
    except IllTyped:
        raise Garbled(_WRONG) from None


def _happened(one: Happening) -> None:
    """It holds what its type says. Which of the kinds it is, is known here: to try a union for it costs twice the event."""
    _typed(one, type(one) if type(one) in _KINDS else Happening)


def sound_answer(read: Callable[[bytes], Answer], data: bytes) -> Answer:
    """A whole answer, read and looked at. Garbled."""
    return _typed(_read(read, data), Answer)


def sound_count(read: Callable[[bytes], Counted | None], data: bytes) -> Counted | None:
    """What a whole answer used, read and looked at. Garbled."""
    counted = _read(read, data)
    if type(counted) is Counted and tuple(map(type, msgspec.structs.astuple(counted))) == _COUNTS:
        return counted
    return None if counted is None else _typed(counted, Counted)


def sound_refusal(read: Callable[[bytes], Refusal | None], data: bytes) -> Refusal | None:
    """What an error says, read and looked at; None where the reader stumbles: then it is not understood."""
    try:
        said = _read(read, data)
        return None if said is None else _typed(said, Refusal)
    except Garbled:
        return None


def _takes(part: Said) -> frozenset[type]:
    """What a part grows by; those of a dialect's own are of these kinds too."""
    return next((grows for kind, grows in _GROWS.items() if isinstance(part, kind)), frozenset())


class SoundStream:
    """Looks at what happens in one stream."""

    __slots__ = ("_began", "_counts", "_open", "_over", "_stopped")

    def __init__(self) -> None:
        self._began = self._over = False
        # What each open part grows by, how many parts have been, and which choices have stopped.
        self._open: dict[tuple[int, int], frozenset[type]] = {}
        self._counts: dict[int, int] = {}
        self._stopped: set[int] = set()

    def __repr__(self) -> str:
        return f"<SoundStream [{len(self._open)} parts open]>"

    def read_all(
        self, take: Callable[[_D], list[Happening]], blocks: Iterable[tuple[bytes, _D | None]]
    ) -> list[tuple[bytes, list[Happening]]]:
        """Each block, and what happens in what is in it, up to the end of the stream. Garbled, with what came before."""
        found: list[tuple[bytes, list[Happening]]] = []
        try:
            for block, event in blocks:
                found.append((block, [] if event is None else self.read(take, event)))
                if self._over:
                    break
        except Garbled as error:
            error.before = found
            raise
        return found

    def read(self, take: Callable[[_D], list[Happening]], event: _D) -> list[Happening]:
        """What happens in one event, as `take` reads it. Garbled."""
        found = _read(take, event)
        for one in found:
            kind = type(one)
            if kind in _ALONE:
                if kind is not Pinged:
                    _happened(one)
            elif kind not in _DELTAS:
                self._step(one)
            elif kind not in self._open.get((one.choice, one.index), ()):  # type: ignore[union-attr]
                raise Garbled(_ORDER)
            elif kind not in _WORDS or type(one.text) is not str or getattr(one, "logprobs", None) is not None:  # type: ignore[union-attr]
                _happened(one)
        return found if self._began else self._begun(found)

    def _begun(self, found: list[Happening]) -> list[Happening]:
        if not found or isinstance(found[0], Pinged | Failed):
            return found
        self._began = True
        return found if isinstance(found[0], Began) else [Began(), *found]

    def _step(self, one: Happening) -> None:
        match one:
            case Opened(part=part, index=index, choice=choice):
                self._in_order(index == self._counts.get(choice, 0) and choice not in self._stopped)
                self._counts[choice] = index + 1
                self._open[choice, index] = _takes(part)
            case Closed(index=index, choice=choice):
                self._in_order(self._open.pop((choice, index), None) is not None)
                return
            case Stopped(choice=choice):
                self._in_order(choice not in self._stopped and all(of != choice for of, _ in self._open))
                self._stopped.add(choice)
            case Ended():
                self._in_order(not self._open)
                self._over = True
            case Failed():
                self._over = True
        _happened(one)

    def _in_order(self, well: bool) -> None:
        if not well:
            raise Garbled(_ORDER)
