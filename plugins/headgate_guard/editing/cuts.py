"""One text on its way through an edit: in, changed, out; as early as it can be known.

1. What is kept of a text is one character that has gone out already, as the neighbour of what follows, and what is held
   back. Both are read again with each piece, and nothing else is.
2. A whole text is a text of one piece that is final. There is no second way, so both ways give the same.
3. `moves` tell where things stood before and stand now, for what points into the text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from headgate_guard.editing.escapes import View, view
from headgate_guard.finding import OPEN, Finder, Hit


class Edit(NamedTuple):
    """What is looked for, and what a find of some kind with some text becomes. `hides`: what is found must not be seen."""

    finder: Finder
    replace: Callable[[str, str], str]
    hides: bool = False


class Cut:
    """One text."""

    __slots__ = ("_context", "_edit", "_in_text", "_json", "_raw", "moves", "taken")

    def __init__(self, edit: Edit, *, json: bool = False) -> None:
        self._edit = edit
        self._json = json
        self._raw = ""
        self._context = 0
        self._in_text = False
        # How much of the text is decided, in its own characters, and each change: where it ended, and by how much it grew.
        self.taken = 0
        self.moves: list[tuple[int, int]] = []

    def __repr__(self) -> str:
        return f"<Cut {self.taken} characters out, {self.held} held back>"

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return len(self._raw) - self._context

    def take(self, more: str, *, final: bool = False) -> str:
        """What may go on, now that more has come."""
        seen = view(self._raw + more, escaped=self._json, final=final)
        # The context is one character of what the text says, which an escape may take several to say.
        place = 1 if self._context else 0
        out: list[str] = []
        stop = len(seen.said)
        for hit in self._edit.finder.hits(seen.said, place, final=final):
            if hit.end == OPEN:
                stop = hit.start
                break
            out += [self._pass(seen, place, hit.start), self._put(seen, hit)]
            place = hit.end
        out.append(self._pass(seen, place, stop))
        self._keep(seen, stop)
        return "".join(out)

    def _pass(self, seen: View, start: int, stop: int) -> str:
        """What stays as it is."""
        passed = seen.written(start, stop)
        if self._json and seen.quotes(start, stop) % 2:
            self._in_text = not self._in_text
        self.taken += len(passed)
        return passed

    def _put(self, seen: View, hit: Hit) -> str:
        """What stands in the place of a find. Outside of the texts of a JSON only a number may stand bare."""
        put = self._edit.replace(hit.kind, seen.said[hit.start : hit.end])
        was = len(seen.written(hit.start, hit.end))
        if self._json:
            quoted = msgspec.json.encode(put).decode()
            put = quoted[1:-1] if self._in_text else put if put.isdigit() else quoted
        self.taken += was
        self.moves.append((self.taken, len(put) - was))
        return put

    def _keep(self, seen: View, stop: int) -> None:
        before = max(0, stop - 1)
        self._context = len(seen.written(before, stop))
        self._raw = seen.rest(before)

    def moved(self, place: int) -> int:
        """Where a place of the text is now."""
        return place + sum(by for end, by in self.moves if end <= place)


def changed(edit: Edit, text: str, *, json: bool = False) -> str:
    """A whole text."""
    return Cut(edit, json=json).take(text, final=True)
