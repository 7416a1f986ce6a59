"""How a dialect whose clients refer to earlier answers, instead of sending them again, keeps them.

1. `recalled` comes right behind `read`: whoever looks at the chat then sees the whole conversation, and what guards do to
   the new turn they do to the old ones.
2. A reference that is not known here may be known to a provider of the same dialect, if that answer was claimed for its
   owner when it came: the provider knows all owners as one. It is sent to the account that it came from (`claimed`),
   and to no other. Where a model is asked in another dialect, `unknown` says
   what the client did wrong.
3. Where the model is asked in another dialect, the answer passes through `keeping`, behind all other filters; when it is
   whole, and before its last bytes go out, `keep` is called: who has the answer can refer to it.
4. `owner` is who may refer to it: a team, or a caller who has none. What belongs to another is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from headgate.contracts.ai.chat import Chat
from headgate.contracts.ai.filters import AnswerFilter
from headgate.errors import ClientFault

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange


class Keeping(AnswerFilter, Protocol):
    """What one answer is kept by."""

    async def keep(self) -> None:
        """Keep the answer that has passed; nothing where none has. StoreError."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """An Inbound that keeps answers."""

    async def recalled(self, chat: Chat, ctx: Exchange, owner: str) -> Chat:
        """The chat with what it refers to before it; the same chat where it refers to nothing that is kept. ClientFault,
        StoreError."""
        ...

    def unknown(self, chat: Chat) -> ClientFault | None:
        """What to answer where a chat that refers to something is for a model that cannot know it; None for all others."""
        ...

    def keeping(self, chat: Chat, ctx: Exchange, owner: str) -> Keeping | None:
        """For one try. None where the client wants nothing kept."""
        ...

    async def claim(self, ident: str, ctx: Exchange, owner: str, account: str) -> None:
        """An answer that its provider keeps belongs to this owner, and came from this account. StoreError."""
        ...

    async def claimed(self, ident: str, ctx: Exchange, owner: str) -> str | None:
        """The account that it came from; None where it is not this owner's. StoreError."""
        ...

    async def kept(self, ident: str, ctx: Exchange, owner: str) -> bytes | None:
        """An answer as its client has got it; None where it is not there. StoreError."""
        ...

    async def forget(self, ident: str, ctx: Exchange, owner: str) -> bool:
        """Whether it was there. It is no longer. StoreError."""
        ...
