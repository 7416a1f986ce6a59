"""A ledger in memory: for in-file tests, and as the reference that other stores are held against."""

from __future__ import annotations

import itertools

from headgate.contracts.books import Book
from headgate.contracts.ledger import Account, Burial, Distrust, Draw, Statement
from headgate.contracts.slices import Slice
from headgate.contracts.values import Money


class MemoryLedger:
    """Books in a dictionary. `dead` names workers that died, for the next burial; their slices are still here."""

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.draws = 0
        self._books: dict[tuple[str, int], tuple[Account, Book]] = {}
        self._slices: dict[str, Slice] = {}
        self._count = itertools.count()
        self._distrusted: dict[str, Distrust] = {}

    def __repr__(self) -> str:
        return f"<MemoryLedger {len(self._books)} accounts, {self.draws} draws>"

    def slice(self, account: Account, worker: str) -> Slice:
        slice = Slice(account, f"{worker}.{next(self._count)}")
        self._slices[slice.holder] = slice
        return slice

    async def draw(self, slice: Slice, need: int, want: int) -> Draw:
        self.draws += 1
        drawn = self.book(slice.account).draw(slice.holder, slice.standing, need, want)
        slice.put(drawn.granted)
        return drawn

    async def close(self, slice: Slice) -> None:
        self.book(slice.account).close(slice.holder, slice.standing)
        self._slices.pop(slice.holder, None)

    async def bury(self) -> list[Burial]:
        found = []
        for holder, slice in [one for one in self._slices.items() if one[0].rpartition(".")[0] in self.dead]:
            del self._slices[holder]
            book = self.book(slice.account)
            if holder in book.shares:
                freed, presumed = book.bury(holder, slice.standing)
                found.append(Burial(holder, slice.account.key, Money(freed), Money(presumed)))
        return found

    async def statements(self, since: float = 0.0) -> list[Statement]:
        kept = [
            (account, book) for account, book in self._books.values() if not account.start or account.start >= since
        ]
        return [book.statement(account) for account, book in kept]

    def distrusted(self, what: str) -> Distrust | None:
        return self._distrusted.get(what)

    def distrust(self, found: Distrust) -> None:
        self._distrusted.setdefault(found.what, found)

    async def trust(self, what: str) -> bool:
        return self._distrusted.pop(what, None) is not None

    async def list_distrusted(self) -> list[Distrust]:
        return list(self._distrusted.values())

    def book(self, account: Account) -> Book:
        """The book of an account, with the limit that it has now."""
        _, book = self._books.setdefault(account.key, (account, Book(account.limit)))
        book.limit = account.limit
        self._books[account.key] = (account, book)
        return book
