"""What the wire asks of the room above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headgate.message.request import Client, Request
    from headgate.wire.refusal import Refusal
    from headgate.wire.writer import Reply


class Exchanger(Protocol):
    """Turns one request into one answer."""

    async def __call__(self, request: Request, client: Client, reply: Reply) -> None:
        """Answer through `reply`. What escapes is a bug: 500, or a cut connection once the head is out.

        Requests of one connection come one after another. Cancelled when a drain runs out of time.
        """
        ...


class OnRefused(Protocol):
    """Hears of what the wire refused by itself, so that it can be logged."""

    def __call__(self, client: Client, refusal: Refusal) -> None:
        """`refusal` carries status, detail and id, and method and target where the request line was readable."""
        ...
