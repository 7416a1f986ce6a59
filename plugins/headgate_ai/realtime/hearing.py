"""Transcripts of what a session hears: another model's work, with a price of its own.

Nobody can say beforehand how much will be heard. So inside a limit something is set aside while a session has transcripts,
one at a time, which only a budget with `assume` allows; and it is settled with each transcript that comes.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api import Bound, Exchange
from headgate_ai.catalog import entry
from headgate_ai.models import Model
from headgate_ai.realtime.events import counts
from headgate_ai.realtime.tab import Tab
from headgate_ai.realtime.turns import Turn

_WHY: Final = "what is heard is transcribed, and nobody knows before how much"


class Hearing:
    """Who transcribes, and what is set aside for it."""

    __slots__ = ("_ctx", "_heard", "_model", "_tab", "_turn", "name")

    def __init__(self, ctx: Exchange, model: Model, tab: Tab) -> None:
        self._ctx = ctx
        self._model = model
        self._tab = tab
        self._turn: Turn | None = None
        self._heard = False
        self.name: str | None = None

    def __repr__(self) -> str:
        return f"<Hearing {self.name or 'nobody'}>"

    async def ready(self) -> None:
        """Something is set aside for the next transcript, where there will be one. Closing."""
        if self.name is not None and self._tab.metered and self._turn is None:
            self._turn = await self._reserved()

    async def _reserved(self) -> Turn:
        known = entry(self._model.provider, self.name or "")
        bound = Bound(f"{self._model.provider.name}/{self.name or 'transcription'}", unbounded=_WHY)
        return await self._tab.reserve(bound, known.prices)

    def hear(self) -> None:
        """Sound goes to the provider."""
        self._heard = self.name is not None

    async def told(self, usage: Any) -> None:
        """A transcript has come. Closing."""
        turn, self._turn = self._turn, None
        turn = turn or await self._reserved()
        counted = counts(usage)
        self._heard = False
        if counted is not None:
            turn.settle(counted)
        else:
            turn.estimate(0)
        self._tab.add_cost(turn)

    def end(self) -> None:
        """The session is over; what was heard last may have been transcribed."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        if self._heard:
            turn.estimate(0)
            self._tab.add_cost(turn)
        else:
            turn.release()
