"""Which tool call of a choice a delta belongs to, and when a call is complete: the dialect leaves both unsaid.

1. OpenAI tells calls apart by their index, and gives id and name with the first delta alone. Others who are compatible give
   every call the same index, or none, and tell them apart by id; or they repeat id and name with every delta; or the id
   changes on the way.
2. So a call goes on at its index, or at its id under that index. A name with another id begins a new call; a name without
   an id does where the call before is complete. In the midst of a call's arguments only another name does.
3. Arguments are one JSON object. Where it ends, nothing but space can follow, and the call is complete. Only an empty
   object proves nothing, since some begin every call with one; that call is complete when something else begins.
"""

from __future__ import annotations

import re
from typing import Final

from headgate.api.ai import Garbled

_OUTSIDE: Final = re.compile(r'["{}\[\]]')
_INSIDE: Final = re.compile(r'["\\]')


class CallSoFar:
    """One call: the index of its part, what tells it apart, and how far its arguments have come."""

    __slots__ = ("_depth", "_escaped", "_fields", "_string", "_whole", "id", "index", "name", "open", "started")

    def __init__(self, index: int, ident: str | None, name: str) -> None:
        self.index = index
        self.id = ident
        self.name = name
        self.open = True
        self.started = False
        self._whole = self._fields = False
        self._depth = 0
        self._string = self._escaped = False

    def __repr__(self) -> str:
        state = "whole" if self._whole else "started" if self.started else "begun"
        return f"<CallSoFar {self.name} {self.index} [{state}]>"

    @property
    def whole(self) -> bool:
        """Whether its arguments are one object, as far as they have come."""
        return self._whole

    def complete(self, *, something_began: bool) -> bool:
        """Whether nothing of it can follow."""
        return self._whole and (self._fields or something_began)

    def grow(self, text: str) -> None:
        """More of its arguments, cut anywhere; each character is looked at once. Garbled where it was complete."""
        if not text.isspace():
            if not self.open:
                raise Garbled("with a tool call that goes on behind its end")
            self.started = True
        at = 1 if self._escaped else 0
        self._escaped = False
        while (mark := (_INSIDE if self._string else _OUTSIDE).search(text, at)) is not None:
            at = mark.end()
            if mark[0] == "\\":
                self._escaped = at == len(text)
                at += 1
            else:
                self._met(mark[0])

    def _met(self, mark: str) -> None:
        if mark == '"':
            self._string = not self._string
            self._fields = True
        else:
            self._depth += 1 if mark in "{[" else -1
            self._whole = self._depth == 0

    def is_of(self, ident: str | None, name: str, text: str, *, numbered: bool) -> bool:
        """Whether a delta with these goes on with this call (rule 2)."""
        if not name:
            return True
        if self.started and not self._whole:
            return name == self.name
        if self.started:
            return ident == self.id and name == self.name if ident else numbered and not text.strip()
        if ident and ident == self.id:
            return True
        return name == self.name and not (ident and self.id)


class Calls:
    """The calls of one choice."""

    __slots__ = ("_last", "_named", "_open", "_whole", "count")

    def __init__(self) -> None:
        self.count = 0
        self._open = 0
        # Those that are open, and whole as far as they have come: few, for most of them are complete at once.
        self._whole: dict[int, CallSoFar] = {}
        self._last: dict[int | None, CallSoFar] = {}
        self._named: dict[tuple[int | None, str], CallSoFar] = {}

    def __repr__(self) -> str:
        return f"<Calls {self._open} of {self.count} open>"

    def find(self, place: int | None, ident: str | None, name: str, text: str) -> CallSoFar | None:
        """The call that goes on; None where a new one begins."""
        known = self._named.get((place, ident)) if ident else None
        call = known or self._last.get(place)
        return call if call is not None and call.is_of(ident, name, text, numbered=place is not None) else None

    def begin(self, place: int | None, call: CallSoFar) -> None:
        """A new one."""
        self.count += 1
        self._open += 1
        self._last[place] = call
        if call.id:
            self._named[place, call.id] = call

    def grow(self, call: CallSoFar, text: str) -> None:
        """More of the arguments of one. Garbled where it was complete."""
        call.grow(text)
        if call.open and call.whole:
            self._whole[call.index] = call
        else:
            self._whole.pop(call.index, None)

    def completed(self, newest: int) -> list[int]:
        """The indexes of calls that are complete by now and were open until now; `newest` is that of the newest part."""
        found = [call for call in self._whole.values() if call.complete(something_began=call.index != newest)]
        for call in found:
            call.open = False
            self._open -= 1
            del self._whole[call.index]
        return sorted(call.index for call in found)
