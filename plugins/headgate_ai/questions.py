"""What can be asked of a model: a chat here, other things elsewhere (`tasks`, `counting`). How it is asked, see `asking`."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from headgate.api import Bound, Exchange, FakeChat, Response, Timeouts
from headgate.api.ai import Chat, Counted, Written
from headgate_ai.bounds import Limits, Unbounded, bound_of, input_tokens
from headgate_ai.capabilities import Lacking, judges, lacking
from headgate_ai.guessing import likely_tokens
from headgate_ai.plainness import is_plain
from headgate_ai.raising import Wire
from headgate_ai.refusing import refuse_models, without

if TYPE_CHECKING:
    from headgate_ai.models import Model


class Asking(Protocol):
    """What a line wants asked, whatever it is. `refuses_unknown`: a parameter that the model's dialect cannot say is a
    failure, not left out."""

    ctx: Exchange
    timeouts: Timeouts
    refuses_unknown: bool

    @property
    def streams(self) -> bool:
        """Whether the answer is to come in pieces."""
        ...

    def missing(self, model: Model) -> Lacking | None:
        """What the model is known not to have."""
        ...

    def write(self, model: Model, cap: int | None) -> Written:
        """The request; `cap` bounds the answer where the client did not. Unsupported."""
        ...

    def bound(self, model: Model, cap: int | None) -> Bound:
        """The most that one try can use."""
        ...

    def most_input(self, model: Model) -> int | None:
        """The most input tokens that it can be for this model; None where nobody can say."""
        ...

    def hides(self, model: Model) -> bool:
        """Whether the model may make tokens that nobody is shown."""
        ...

    def likely(self, model: Model) -> Counted:
        """What a try has probably used of which nothing came back, for people."""
        ...

    def play(self, model: Model, written: Written, fake: FakeChat) -> Response:
        """What a test gave for the model, as its answer."""
        ...


@dataclass(slots=True)
class Question:
    """A chat, to be asked. See `Asking`. A `plain` one is not searched for what it cannot hold."""

    ctx: Exchange
    chat: Chat
    timeouts: Timeouts
    refuses_unknown: bool = False
    plain: bool = field(init=False)
    # Who looks into the request before it is asked, and who tries it with another key, need not write it again.
    _last: tuple[Model, int | None, Written] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.plain = is_plain(self.chat)

    @property
    def streams(self) -> bool:
        return self.chat.stream

    def missing(self, model: Model) -> Lacking | None:
        return None if self.plain else lacking(self.chat, model) if judges(model) else None

    def write(self, model: Model, cap: int | None) -> Written:
        last = self._last
        if last is not None and last[0] is model and last[1] == cap:
            return last[2]
        written = self._write(model, cap)
        self._last = (model, cap, written)
        return written

    def _write(self, model: Model, cap: int | None) -> Written:
        if self.chat.dialect and model.dialect.name != self.chat.dialect:
            self._refuse_unknown()
        chat = self.chat
        if cap is not None and chat.max_tokens is None:
            # The cap is this attempt's: another line, or an arm beside it, may have another.
            chat = copy(chat)
            chat.max_tokens = cap
        written = model.dialect.write(chat, model.endpoint)
        if self.plain or not self._passes(model):
            return written
        refuse_models(chat.raw().get("tools"), model.name)
        return without(written, chat, model.provider.refuse) if model.provider.refuse else written

    def _refuse_unknown(self) -> None:
        """What a chat refers to, a model of another dialect cannot look up. ClientFault."""
        unknown = getattr(self.ctx.node.dialects[self.chat.dialect].inbound, "unknown", None)
        fault = unknown(self.chat) if unknown is not None else None
        if fault is not None:
            raise fault

    def bound(self, model: Model, cap: int | None) -> Bound:
        raising = self.ctx.node.dialects[model.dialect.name].raising & model.endpoint.options.keys()
        if raising:
            return Bound(
                model.label, unbounded=f"the model's option `{min(raising)}` adds to it, nobody here knows how much"
            )
        return bound_of(self.chat, model.label, model.prices, self._limits(model), self._wire(model), cap)

    def _limits(self, model: Model) -> Limits:
        words = model.outputs is None or model.outputs <= {"text"}
        beside = model.provider.thinks_beside and model.abilities.get("reasoning", True)
        return Limits(
            model.context, model.most_output, words, beside, any_media=getattr(model.dialect, "any_media", False)
        )

    def _wire(self, model: Model) -> Wire:
        """Which of the client's fields reach the model, and what is known of them."""
        known, own = self.ctx.node.dialects, self._passes(model)
        harmless = known[model.dialect.name].harmless
        return Wire(harmless | known[self.chat.dialect].harmless if own else harmless, own)

    def _passes(self, model: Model) -> bool:
        """Whether fields that only the client's dialect has reach the model."""
        name, came = model.dialect.name, self.chat.dialect
        return came == name or (bool(came) and self.ctx.node.dialects[name].on == came)

    def most_input(self, model: Model) -> int | None:
        try:
            return input_tokens(self.chat, self._limits(model))
        except Unbounded:
            return None

    def hides(self, model: Model) -> bool:
        if not model.abilities.get("reasoning", True):
            return False
        thinking = self.chat.content().thinking
        if thinking is not None:
            return thinking.effort != "none"
        unasked = getattr(model.dialect, "thinks_unasked", None)
        return unasked is None or bool(unasked(model.endpoint))

    def likely(self, model: Model) -> Counted:
        return Counted(input_tokens=likely_tokens(self.chat))

    def play(self, model: Model, written: Written, fake: FakeChat) -> Response:
        return model.dialect.render(fake, written, self.ctx.node.clock.time())
