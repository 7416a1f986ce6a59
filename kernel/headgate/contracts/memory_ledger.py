"""A ledger in memory: for in-file tests, and as the reference that other stores are held against."""

from __future__ import annotations

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
        self._slices: dict[tuple[tuple[str, int], str], Slice] = {}
        self._distrusted: dict[str, Distrust] = {}

    def __repr__(self) -> str:
        return f"<MemoryLedger {len(self._books)} accounts, {self.draws} draws>"

    def slice(self, account: Account, worker: str) -> Slice:
        slice = self._slices[account.key, worker] = Slice(account, worker)
        return slice

    async def draw(self, slice: Slice, need: int, want: int) -> Draw:
        self.draws += 1
        drawn = self.book(slice.account).draw(slice.worker, slice.standing, need, want)
        slice.put(drawn.granted)
        return drawn

    async def close(self, slice: Slice) -> None:
        self.book(slice.account).close(slice.worker, slice.standing)
        self._slices.pop((slice.account.key, slice.worker), None)

    async def bury(self) -> list[Burial]:
        found = []
        for key, worker in [place for place in self._slices if place[1] in self.dead]:
            slice = self._slices.pop((key, worker))
            _, book = self._books.get(key, (None, None))
            if book is not None and worker in book.shares:
                freed, presumed = book.bury(worker, slice.standing)
                found.append(Burial(worker, key, Money(freed), Money(presumed)))
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
