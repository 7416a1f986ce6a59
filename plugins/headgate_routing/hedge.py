"""`hedge`: a second way at the same time, when the first one lets us wait.

1. The arms start one after the other: the next one after `after`, or at once where those before it have failed.
2. The first that decides an answer, or gives a value, wins. The others are cancelled, and what they opened is closed; what
   they used until then is settled by the steps that used it.
3. Each arm has its own view of the exchange (`View`): none sees what another one sets, answers or counts.
4. What the last arm to fail has answered passes on as it came, and its failure is raised.
"""

from __future__ import annotations

from math import inf
from typing import Annotated, Any

import trio

from headgate.api import (
    ArmRun,
    Arms,
    BytesBody,
    Duration,
    Exchange,
    FailureOn,
    Ge,
    Site,
    Size,
    UpstreamFault,
    View,
    block,
    read_all,
)
from headgate_routing.fallback import EVERYTHING
from headgate_routing.matching import Matcher, prepared

# Closing what an arm opened is a matter of the own machine; what takes longer is left to the end of the exchange.
_CLOSE_S = 1.0


@block("hedge", prepare=prepared)
async def hedge(
    ctx: Exchange,
    arms: Arms,
    /,
    *,
    after: Annotated[Duration, Ge(0)],
    on: list[FailureOn] | None = None,
    buffer: Size = 65536,
    site: Site,
) -> Any:
    """Start the next alternative where the one before has not answered within `after`; the first that answers wins.

    `on` says what is no answer, as for `fallback`: without it, every failure of an upstream, and every 5xx. A request body
    that streams is read first, if it has at most `buffer` bytes; a larger one goes to the first alternative alone.
    """
    if len(arms) == 1 or not await _is_whole(ctx, buffer):
        return await arms[0].run()
    matcher: Matcher = site.prepared or (EVERYTHING if on is None else Matcher(on))
    race = _Race(ctx, matcher)
    try:
        await race.run(arms, after)
    finally:
        race.end()
    return race.result()


async def _is_whole(ctx: Exchange, buffer: int) -> bool:
    """Whether the body can be sent several times; a small one that streams is read for it."""
    body = ctx.request.body
    if isinstance(body, BytesBody) or body.length == 0:
        return True
    if body.length is None or body.length > buffer:
        return False
    ctx.request.body = BytesBody(await read_all(body, buffer))
    return True


class _Runner:
    """An arm that was started: its view, and how it went."""

    __slots__ = ("error", "value", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self.value: Any = None
        self.error: Exception | None = None


class _Race:
    """The arms of one exchange."""

    def __init__(self, ctx: Exchange, matcher: Matcher) -> None:
        self.ctx = ctx
        self.matcher = matcher
        self.started: list[_Runner] = []
        self.failed: list[_Runner] = []
        self.winner: _Runner | None = None
        self.changed = trio.Event()

    async def run(self, arms: Arms, after: float) -> None:
        """Until one has won, or all have failed."""
        async with trio.open_nursery() as nursery:
            for number, arm in enumerate(arms, 1):
                runner = _Runner(View(self.ctx))
                self.started.append(runner)
                nursery.start_soon(self._arm, arm, runner)
                with trio.move_on_after(after if number < len(arms) else inf):
                    await self._settled()
                if self.winner is not None:
                    break
            nursery.cancel_scope.cancel()
        self.winner = self.winner or self.failed[-1]
        await self._close_losers()

    async def _arm(self, arm: ArmRun, runner: _Runner) -> None:
        try:
            runner.value = await arm.run(runner.view)
            failed = self.matcher.answer(runner.view)
        except UpstreamFault as fault:
            runner.error, failed = fault, self.matcher.fault(fault)
        except Exception as error:  # the client's fault, or a bug: no other arm can do better
            runner.error, failed = error, False
        if failed:
            self.failed.append(runner)
        elif self.winner is None:
            self.winner = runner
        self.changed.set()

    async def _settled(self) -> None:
        """There is a winner, or nobody runs any more."""
        while self.winner is None and len(self.failed) < len(self.started):
            self.changed = trio.Event()
            await self.changed.wait()

    async def _close_losers(self) -> None:
        """Now, so that what they used is known: a connection is wanted, and a provider stops to bill."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CLOSE_S):
            for runner in self.started:
                if runner is not self.winner and runner.view.response not in (None, self.ctx.response):
                    assert runner.view.response is not None
                    await runner.view.response.aclose()

    def end(self) -> None:
        """Bring the views back together, whatever became of them."""
        for runner in self.started:
            if runner is not self.winner:
                runner.view.lose()
        if self.winner is not None:
            self.winner.view.win()

    def result(self) -> Any:
        """What the winner gave, or raised."""
        assert self.winner is not None
        if self.winner.error is not None:
            raise self.winner.error
        return self.winner.value
