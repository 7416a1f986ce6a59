"""How a step of any plugin asks a model: by a parameter of this type, which takes the name of a `model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from headgate.contracts.ai.answers import Answer
from headgate.contracts.ai.chat import Chat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headgate.contracts.exchange import Exchange
    from headgate.contracts.meters import Around


class Asks(Protocol):
    """A model that can be asked something beside what it answers to the client."""

    resource_kind: ClassVar[str] = "model"
    resource: str
    """Its name in the policy."""

    def fit(self, blocks: Iterable[Around], /) -> None:
        """ValueError where a line inside these blocks cannot ask it: for the `prepare` of a step, with `site.within`."""
        ...

    async def ask(self, ctx: Exchange, chat: Chat, /, *, timeout: float) -> Answer:
        """The whole answer within `timeout` seconds, counted, priced and billed as a try of this exchange.

        UpstreamFault where there is none (`upstream.*`, `ai.unsupported`), and what limits raise.
        """
        ...
