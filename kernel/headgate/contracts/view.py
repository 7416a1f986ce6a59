"""An exchange as one of several arms sees it, that run at the same time (`hedge`).

1. A view begins as the exchange is. What the arm does to it, answering, setting headers, counting, is the arm's own.
2. One view wins: what it did is the exchange's then, and whatever it still does, a stream that counts its tokens at its
   end, goes there too.
3. All others lose: of them the exchange keeps what has to be ended (closers, bodies) and what was spent (usage, attempts).
4. Values that lines above have bound are shared: what an arm sets in `chat`, all arms see.
"""

from __future__ import annotations

import copy
from typing import Any

from headgate.contracts.exchange import AfterClose, Exchange
from headgate.contracts.shapes import Served, Usage
from headgate.message.body import BytesBody
from headgate.message.headers import Headers
from headgate.message.request import Request

# What an arm begins without; behind it, what it has of these is put behind what the exchange has.
_LISTS = ("after_head", "after_close", "filters", "discard")
_COPIED = ("shadows", "log", "values")
# The exchange's own, whichever arm wins.
_KEPT = frozenset({*_LISTS, "client", "node", "served", "started", "started_at", "trace", "usage"})


class View(Exchange):
    """One arm's view of `parent`. Of several views of one exchange `win` is called on one, `lose` on the others."""

    __slots__ = ("_before", "_known", "_won", "parent")
    parent: Exchange
    _before: Usage | None
    _known: int
    _won: bool

    def __init__(self, parent: Exchange) -> None:
        put = super().__setattr__
        for name, value in (("parent", parent), ("_won", False), ("_known", 0), ("_before", None)):
            put(name, value)
        for name in Exchange.__slots__:
            put(name, getattr(parent, name))
        for name in (*_LISTS, "usage"):
            put(name, None)
        for name in _COPIED:
            put(name, copy.copy(getattr(parent, name)))
        put("request", _own(parent.request))
        if parent.served is not None:
            put("_known", len(parent.served.attempts))
            put("served", _own_served(parent.served))

    @property
    def whole(self) -> Exchange:
        return self.parent.whole

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if self._won and name not in ("_won", "_before"):
            self._hand_on(name, value)

    def _hand_on(self, name: str, value: Any) -> None:
        if name == "usage" and self._before is not None and value is not None:
            value = self._before.plus(value)
        setattr(self.parent, name, value)

    def win(self) -> None:
        """Make what this arm did the exchange's. Call it after `lose` on the others."""
        parent = self.parent
        self._before = parent.usage
        if self.served is not None:
            self.served.attempts = [*_attempts(parent.served), *self.served.attempts[self._known :]]
            parent.served = self.served
        for name in _LISTS:
            both = [*(getattr(parent, name) or ()), *(getattr(self, name) or ())] or None
            setattr(self, name, both)
            setattr(parent, name, both)
        if parent.log:
            # What was noted on the exchange itself meanwhile, as a budget around the arms does.
            self.log = {**parent.log, **(self.log or {})}
        for name in Exchange.__slots__:
            if name not in _KEPT:
                setattr(parent, name, getattr(self, name))
        if self.usage is not None:
            self._hand_on("usage", self.usage)
        self._won = True

    def lose(self) -> None:
        """Leave to the exchange what has to be ended, and what was spent."""
        parent = self.parent
        for call in self.after_close or ():
            parent.on_close(_of(self, call))
        given_up = [*(self.discard or ()), *([self.response] if self.response is not parent.response else ())]
        parent.discard = [*(parent.discard or ()), *(one for one in given_up if one is not None)] or None
        if self.served is not None and self.served.attempts[self._known :]:
            parent.served = parent.served or Served()
            parent.served.attempts = [*parent.served.attempts, *self.served.attempts[self._known :]]
        if self.usage is not None:
            parent.usage = self.usage if parent.usage is None else parent.usage.plus(self.usage)


def _of(view: View, call: AfterClose) -> AfterClose:
    """A closer of an arm that lost: it sees what the arm saw."""
    return lambda _: call(view)


def _own(request: Request) -> Request:
    own = copy.copy(request)
    own.headers = Headers(request.headers.lines)
    if isinstance(request.body, BytesBody):
        own.body = copy.copy(request.body)
    return own


def _own_served(served: Served) -> Served:
    own = copy.copy(served)
    own.attempts = list(served.attempts)
    return own


def _attempts(served: Served | None) -> list[Any]:
    return [] if served is None else served.attempts
