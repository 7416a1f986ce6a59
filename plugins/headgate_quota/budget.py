"""`budget`: so much money in a period, for the calls of models that its lines make.

1. The block puts a meter into `ctx.meters` and takes it out when its lines have run. What its lines' attempts reserve may
   be settled later, when the last byte of a stream is out: a hold knows its account itself.
2. An attempt belongs to the period in which it reserved, and reserves its whole bound. What it cost less goes back, what
   it cost more is an overrun: booked in full, told to the log, and the model is kept from budgets until a person says
   otherwise.
3. What has no bound is refused, or reserves what the policy assumes. Then costing more is the policy's matter, not the
   model's fault.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from headgate.api import (
    CLOSE,
    Bound,
    ClientFault,
    Const,
    Exchange,
    Failure,
    Ge,
    Hold,
    Kind,
    Money,
    Run,
    Site,
    StoreError,
    Text,
    UpstreamFault,
    Usage,
    block,
)
from headgate_quota.accounts import STATE, Accounts, Purse
from headgate_quota.values import local, stored

UNAVAILABLE: Final = Kind("budget.unavailable", 503, "The budget cannot be counted now")

Per = Literal["day", "week", "month", "total"]


class Line:
    """What a line says, worked out once."""

    __slots__ = ("label", "name", "named", "per")

    def __init__(self, site: Site, per: str, name: str | None) -> None:
        self.named = name
        self.per = per
        self.name = f"{site.key if name is None else f'name:{name}'}/{per}"
        self.label = name or site.key

    def __repr__(self) -> str:
        return f"<Line {self.name}>"


def _prepare(site: Site, *, per: str, name: str | None, **_: Any) -> Line:
    return Line(site, per, name)


@block(
    "budget", raises=("budget.exhausted", "budget.unbounded", UNAVAILABLE.name), effect="store", after=CLOSE,
    prepare=_prepare,
)  # fmt: skip
async def budget(
    ctx: Exchange,
    run: Run,
    limit: Annotated[Money, Ge(0)],
    /,
    *,
    per: Const[Per],
    by: Any = None,
    name: Const[Text | None] = None,
    assume: Annotated[Money, Ge(0)] | None = None,
    cap: Annotated[int, Ge(1)] | None = None,
    site: Site,
) -> Any:
    """Let the lines spend so much in a period (UTC), over all workers together, and not more.

    Each attempt to ask a model sets aside the most that it can cost, and settles with what it did cost; what does not fit
    is refused with 402. `by` is whose money it is; budgets with one `name` are one account. A call whose cost has no
    bound is refused with 400, or sets `assume` aside. `cap` is the most tokens to ask a model for where the client gave
    no bound.
    """
    outside = ctx.meters
    ctx.meters = [*(outside or ()), BudgetMeter(ctx, site.prepared, limit, by, assume, cap)]
    try:
        return await run()
    finally:
        ctx.meters = outside


class BudgetMeter:
    """One budget, for one exchange."""

    __slots__ = ("accounts", "assume", "by", "cap", "ctx", "key", "limit", "line")

    def __init__(self, ctx: Exchange, line: Line, limit: Money, by: Any, assume: Money | None, cap: int | None) -> None:
        self.accounts: Accounts = ctx.node.state[STATE]
        self.ctx = ctx
        self.line = line
        self.limit = limit
        self.by = by
        self.assume = assume
        self.cap = cap
        self.key = (line.name, local(by))

    def __repr__(self) -> str:
        return f"<BudgetMeter {self.line.name} {self.limit} by {self.by!r}>"

    def reserve_now(self, bound: Bound) -> Hold | None:
        """As `Meter.reserve_now`: from the slice that this worker has."""
        accounts = self.accounts
        purse = accounts.purses.get(self.key)
        amount = bound.cost if bound.unbounded is None else None
        if (
            purse is None or amount is None or accounts.node.clock.time() >= purse.until
            or purse.slice.account.limit != self.limit or accounts.ledger.distrusted(bound.what) is not None
            or not purse.slice.reserve(amount)
        ):  # fmt: skip
            return None
        accounts.touch(self.key, purse)
        if purse.slice.free < purse.low:
            accounts.renew(purse)
        return BudgetHold(self, purse, bound, amount)

    async def reserve(self, bound: Bound) -> Hold:
        """As `Meter.reserve`. Raises `budget.exhausted`, `budget.unbounded`, `budget.unavailable`."""
        amount = self._amount(bound)
        label = self.line.label if self.by is None else f"{self.line.label}: {self.by}"[:200]
        accounts = self.accounts
        try:
            purse = accounts.purse(self.key, stored(self.line.name, self.by), label, self.line.per, self.limit)
            enough = await accounts.reserve(purse, amount)
        except StoreError as error:
            raise _unavailable() from error
        if not enough:
            raise self._exhausted(purse, amount)
        return BudgetHold(self, purse, bound, amount)

    def _amount(self, bound: Bound) -> int:
        if self.accounts.ledger.distrusted(bound.what) is not None:
            raise _kept_out(bound.what)
        if bound.cost is not None and bound.unbounded is None:
            return bound.cost
        if self.assume is None:
            why = bound.unbounded or "its price is not known"
            raise _unbounded(f"What this call of {bound.what} can cost has no bound: {why}.")
        return max(self.assume, bound.cost or 0)

    def _exhausted(self, purse: Purse, amount: int) -> ClientFault:
        account = purse.slice.account
        wait = purse.until - self.accounts.node.clock.time()
        spent = Money(max(0, purse.used - purse.slice.free))
        record = {"spent": spent, "limit": account.limit, "wait": wait if wait < float("inf") else None}
        per = "" if account.per == "total" else f" for this {account.per}"
        left = Money(max(0, account.limit - spent))
        return ClientFault(
            "budget.exhausted",
            f"The budget of {account.limit}{per} has {left} left, and this call may cost up to {Money(amount)}.",
            status=402, record=record,
        )  # fmt: skip


def _unbounded(message: str) -> ClientFault:
    return ClientFault("budget.unbounded", message, status=400)


def _kept_out(what: str) -> UpstreamFault:
    """No fault of the client's, and another model may do it; `headgate budgets models` says what happened."""
    return UpstreamFault(
        UNAVAILABLE.name, f"{what} is kept from budgets, until a person lets it in again.",
        status=503, sent=False, passes_on=True,
    )  # fmt: skip


def _unavailable() -> Failure:
    return Failure(
        UNAVAILABLE.name, "The budget of this route cannot be counted at the moment. Try again soon.", status=503
    )


class BudgetHold:
    """What one attempt has set aside."""

    __slots__ = ("amount", "bound", "meter", "purse")

    def __init__(self, meter: BudgetMeter, purse: Purse, bound: Bound, amount: int) -> None:
        self.meter = meter
        self.purse = purse
        self.bound = bound
        self.amount = amount

    def __repr__(self) -> str:
        return f"<BudgetHold {Money(self.amount)} of {self.purse.slice.account.name}>"

    def settle(self, usage: Usage) -> None:
        """As `Hold.settle`. What has no price costs its bound, and is marked estimated."""
        cost = usage.cost
        if cost is None:
            usage.estimated = True
            cost = Money(self.amount)
        purse, meter = self.purse, self.meter
        beyond = purse.slice.settle(self.amount, cost)
        self._note(cost)
        if beyond:
            # An estimate is our own, and nothing to distrust a provider for.
            known = self.bound.cost is not None and self.bound.unbounded is None and not usage.estimated
            meter.accounts.overrun(purse, self.bound, self.amount, cost, known=known, estimated=usage.estimated)
        elif purse.slice.free > purse.most:
            meter.accounts.lighten(purse)

    def release(self) -> None:
        """As `Hold.release`."""
        purse = self.purse
        purse.slice.release(self.amount)
        if purse.slice.free > purse.most:
            self.meter.accounts.lighten(purse)

    def _note(self, cost: int) -> None:
        """The row of the call log says what was booked where: a dead worker's slice is put right with it."""
        # Of an arm that loses the row keeps this too, so it is the whole exchange's.
        ctx, account = self.meter.ctx.whole, self.purse.slice.account
        log = ctx.log
        if log is None:
            log = ctx.log = {}
        log.setdefault("spent", []).append((account.name, account.start, int(cost), self.purse.slice.holder))
        if ctx.node.rehearsing:
            self.meter.accounts.note(self.meter.line.named, self.meter.by, account, cost)
