"""What a session owes: its answers, those that were asked for and those that run.

1. Before an answer is asked for, every limit around the line has set its bound aside (`ask`); what they refuse is `refusal`,
   and ends the session.
2. The provider takes what it was asked for in turn: the next answer that it begins is the oldest that was asked for. One that
   nobody asked for is reserved when it begins.
3. `said` is the most tokens that the input of the next answer can be, `heard` how many it likely is.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api import Bound, Closing, Exchange, Failure, Meter, Money, reserve_all
from headgate.api.ai import Counted, tokens_in
from headgate_ai.models import Model
from headgate_ai.prices import Prices
from headgate_ai.realtime.events import counts, part, rate
from headgate_ai.realtime.turns import FIXED, Turn, bound_of

POLICY: Final = 1008
# For the words around an event.
_PER_EVENT: Final = 64
# Of base64, for the thinnest sound that there is (8,000 bytes a second) at 100 tokens a second, as elsewhere (`sizes`).
_CHARS_PER_TOKEN: Final = 100
_SOUND: Final = ("response.output_audio.delta", "response.audio.delta")


class Tab:
    """The answers of one session."""

    __slots__ = (
        "_ctx", "_meters", "_model", "_running", "_waiting", "cap", "cost", "format_in", "format_out", "heard", "refusal", "said", "unbounded",
    )  # fmt: skip

    def __init__(self, ctx: Exchange, model: Model, meters: list[Meter]) -> None:
        self._ctx = ctx
        self._model = model
        self._meters = meters
        self._waiting: list[tuple[object, Turn]] = []
        self._running: dict[str, Turn] = {}
        self.cap = min((meter.cap for meter in meters if meter.cap is not None), default=None)
        self.cost: Money | None = Money(0)
        self.unbounded: str | None = None
        self.refusal: Failure | None = None
        self.said = FIXED
        self.heard = 0.0
        self.format_in = rate({}, "input")
        self.format_out = rate({}, "output")

    def __repr__(self) -> str:
        return f"<Tab of {self._model.label} [{len(self._running)} running, {len(self._waiting)} asked for]>"

    @property
    def metered(self) -> bool:
        """Whether anybody limits what is used."""
        return bool(self._meters)

    # --- what is said -------------------------------------------------------------------------------------------------

    def add_text(self, size: int) -> None:
        """So many bytes were said, which the next answer may be about."""
        self.said += size + _PER_EVENT
        self.heard += tokens_in(size)

    def add_sound(self, chars: int) -> None:
        """So many characters of base64 were heard."""
        bytes_, tokens = self.format_in
        self.said += chars // _CHARS_PER_TOKEN + 1
        self.heard += chars * 3 / 4 / bytes_ * tokens

    # --- answers ------------------------------------------------------------------------------------------------------

    async def ask(self, event_id: object, most_output: int | None) -> None:
        """Set aside what an answer can use that is about to be asked for. Closing."""
        running = sum(turn.bound.answered or 0 for turn in self._running.values())
        bound = bound_of(self._model, most_output, self.unbounded, self.said + running)
        self._waiting.append((event_id, await self.reserve(bound, self._model.prices)))

    async def reserve(self, bound: Bound, prices: Prices) -> Turn:
        """What so much is set aside for. Closing."""
        try:
            holds = await reserve_all(self._meters, bound)
        except Failure as failure:
            self.refusal = failure
            raise Closing(POLICY, f"{failure.kind}: {failure.message}") from None
        return Turn(self._ctx, prices, bound, holds)

    async def begun(self, ident: str) -> None:
        """The provider has begun an answer. Closing."""
        if not self._waiting:
            await self.ask(None, None)
        _, self._running[ident] = self._waiting.pop(0)

    def not_begun(self, event_id: object) -> None:
        """The provider refused what that event asked for."""
        found = next((one for one in self._waiting if event_id is not None and one[0] == event_id), None)
        if found is not None:
            self._waiting.remove(found)
            found[1].release()

    def came(self, ident: str, kind: str, delta: object) -> None:
        """A piece of an answer has come."""
        turn = self._running.get(ident)
        if turn is None or not isinstance(delta, str):
            return
        if kind in _SOUND:
            bytes_, tokens = self.format_out
            turn.sound += len(delta) * 3 / 4 / bytes_ * tokens
        else:
            turn.text += len(delta.encode())

    def done(self, response: dict[str, Any]) -> None:
        """An answer is over, and says what it used; or it failed and says nothing."""
        turn = self._running.pop(str(response.get("id")), None)
        if turn is None:
            return
        counted = counts(response.get("usage"))
        if counted is not None and (counted.input_tokens or counted.output_tokens):
            turn.settle(counted)
            self._learn(counted)
        elif part(response, "status") == "failed" and not turn.text and not turn.sound:
            turn.release()
        else:
            turn.estimate(int(self.heard))
            self.said += turn.bound.answered or 0
        self.add_cost(turn)

    def _learn(self, counted: Counted) -> None:
        """What an answer was about, and the answer, are what the next one is about; what is heard again is never more tokens
        than it was when it was said."""
        self.said += counted.output_tokens + _PER_EVENT
        self.heard = float(counted.input_tokens + counted.output_tokens)

    def add_cost(self, turn: Turn) -> None:
        """What a turn cost is the session's cost."""
        self.cost = None if self.cost is None or turn.cost is None else self.cost + turn.cost

    def end(self) -> None:
        """The session is over: what runs was not reported. What was asked for last may have begun."""
        for turn in [*self._running.values(), *(turn for _, turn in self._waiting)]:
            turn.estimate(int(self.heard))
            self.add_cost(turn)
        self._running, self._waiting = {}, []
