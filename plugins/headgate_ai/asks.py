"""A question that a step asks for its own purposes (see `Asks`): its answer goes to the step, not to the client.

It is paid for like any other try, and stands among the attempts. Whom the exchange was served by, it does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.api import Exchange, Served
from headgate.api.ai import Answer, Chat
from headgate_ai.asking import timeouts
from headgate_ai.questions import Question
from headgate_ai.whole import whole_answer

if TYPE_CHECKING:
    from headgate_ai.models import Model


async def ask_for(model: Model, ctx: Exchange, chat: Chat, timeout: float) -> Answer:
    """See `Asks.ask`."""
    served = ctx.served
    before = None if served is None else (served.target, served.model, served.provider)
    try:
        return await whole_answer(Question(ctx, chat, timeouts(timeout, timeout, timeout)), model)
    finally:
        _as_it_was(ctx.served, before)


def _as_it_was(served: Served | None, before: tuple[str | None, str | None, str | None] | None) -> None:
    if served is not None:
        served.target, served.model, served.provider = before or (None, None, None)
