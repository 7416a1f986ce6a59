"""Overload: more requests than a worker can finish. Some are told so at once, so that the others are answered in time.

1. What tells overload is how late the event loop is: the time from a task's being due to its running. Exchanges that
   wait for an upstream, idle connections and quiet streams do not make a loop late, however many there are.
2. One late look is a slip, as of a collector's pass or of a plugin; two in a row are a queue (CoDel's standing queue,
   RFC 8289 §3.1). A loop that is late with few requests is late for another reason, and shedding would not help.
3. While it lasts, requests are taken at a rate, first nearly as many as the worker has lately sustained. The rate goes down
   while the loop is late and up while it is not (as TCP's, RFC 5681 §3.1); so it finds what the worker can finish, whatever
   the requests cost. What is beyond is answered 503 before its body is read or a policy runs.
4. To say no costs a third of a small request, so at four times the load a worker that says it at once does nothing else.
   So many are told in a second as are a small part of what it can do; who comes beyond that waits, and its connection
   sends nothing meanwhile. When one more can be taken it is the one that came last, when one more can be told it is the
   one that came first (adaptive LIFO): so those that are taken have not waited long.
5. What has begun is never shed: streams, tunnels, long calls. A connection at the door waits in the kernel until its
   request could be taken.
6. Who still waits to be taken or told when the node ends is told, too (`answering.admitted`).
7. Overload is over when nothing had to be shed for `_OVER_S`. When the load drops below the rate, that is at once.
8. Without overload a request costs the reading of `shut`, and a connection too. `look` decides, and is pure.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

import trio

from headgate.message.response import Response
from headgate.wire.refusal import problem

if TYPE_CHECKING:
    from headgate.message.headers import Headers

logger = logging.getLogger("headgate.wire")

_LOOK_S: Final = 0.1
_SHUT_LOOK_S: Final = 0.02
# A quarter of what begins it: a load that comes and goes must not open and shut the door each time.
_CALM: Final = 0.25
# Between that and this the rate stays: on a machine that others use too, some lateness is nobody's fault.
_TOO_LATE: Final = 0.5
# Fewer requests than that between two looks are not what makes a loop late.
_FEW: Final = 20
_UP: Final = 1.03
_DOWN: Final = 0.9
_FIRST: Final = 0.8
# The rate never falls below this share of what was sustained: then it is the shedding that makes the loop late.
_LEAST: Final = 0.3
# A worker that has just begun, or was idle, does not know what it can sustain; any can do so much.
_ANY: Final = 100.0
# What was sustained is forgotten by half in seven seconds.
_FADE: Final = 0.99
# What is not taken now may be taken later, but not for long: those who wait would come all at once.
_SPARE_S: Final = 0.05
_OVER_S: Final = 0.5
_TELL_S: Final = 1.0
# Of what was sustained, so many are told 503 in a second: a tenth of the time, where a 503 costs a third of a request.
_TOLD: Final = 0.3
# However many wait to be told: none for much longer than that.
_WAIT_S: Final = 2.0
# So many are told at once.
_TOLD_FIRST: Final = 20.0
# Clients that obey come back apart from each other.
_RETRY_AFTER: Final = (b"1", b"2", b"3")
_DETAIL: Final = "This node has more to do than it can finish. Ask again in a few seconds."


@dataclass(frozen=True, slots=True)
class Shed:
    """Requests that were shed, all with this id: how many, and over which time."""

    id: str
    count: int
    seconds: float


class _Wait:
    """A request that waits to be let in or told no."""

    __slots__ = ("let", "task")

    def __init__(self, task: trio.lowlevel.Task) -> None:
        self.task = task
        self.let = False

    def call(self, *, let: bool) -> None:
        self.let = let
        trio.lowlevel.reschedule(self.task)


class OnShed(Protocol):
    """Hears of what was shed, so that it can be logged."""

    def __call__(self, shed: Shed) -> None:
        """Called about once a second while anything is."""
        ...


class Valve:
    """Whether requests may begin. `begun` counts those that did or were refused; `lag_s` None is never shut."""

    __slots__ = (
        "_answers", "_begun", "_calm_since", "_changed", "_count", "_id", "_late", "_least", "_left", "_looked", "_next_id", "_on_shed", "_rate_before",
        "_saying", "_seen", "_sustained",
        "_told", "_told_at", "_waiting", "lag_s", "rate", "shed", "shut",
    )  # fmt: skip

    def __init__(
        self, lag_s: float | None, begun: Callable[[], int], next_id: Callable[[], str], on_shed: OnShed | None = None
    ) -> None:
        self.lag_s = inf if lag_s is None else lag_s
        self.shut = False
        self.rate = inf
        self.shed = 0
        self._begun = begun
        self._next_id = next_id
        self._on_shed = on_shed
        self._least = 0.0
        self._left = 0.0
        self._sustained = self._rate_before = 0.0
        self._looked = trio.current_time()
        self._late = 0.0
        self._count = begun()
        self._calm_since = inf
        self._told = self._seen = 0
        self._told_at = 0.0
        self._id = ""
        self._changed = trio.lowlevel.ParkingLot()
        self._saying = _TOLD_FIRST
        self._waiting: deque[_Wait] = deque()
        self._answers = cycle((Response(503),))

    def __repr__(self) -> str:
        state = f"shut, {self.rate:.0f} requests a second" if self.shut else "open"
        return f"<Valve {state} [{self.shed} shed]>"

    async def admits(self) -> bool:
        """Whether one more may begin. To be asked while `shut`; a no may take its time. Cancelled, nothing was counted."""
        if self._left >= 1:
            self._left -= 1
            return True
        if self._saying >= 1:
            self._saying -= 1
        else:
            if await self._called():
                return True
        self.shed += 1
        return False

    async def _called(self) -> bool:
        wait = _Wait(trio.lowlevel.current_task())
        self._waiting.append(wait)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting.remove(wait)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        return wait.let

    def answer(self, headers: Headers) -> Response:
        """What a request is told that was not admitted."""
        if (headers.get(b"content-type") or b"").startswith(b"application/grpc"):
            return _for_grpc(self._id)
        return next(self._answers)

    async def room(self) -> None:
        """Wait until one more connection may be accepted: it brings a request."""
        while self.shut and self._left < 1:
            await self._changed.park()

    async def watch(self) -> None:
        """Look at the loop until cancelled."""
        if self.lag_s == inf:
            return
        try:
            while True:
                due = trio.current_time() + (_SHUT_LOOK_S if self.shut else _LOOK_S)
                await trio.sleep_until(due)
                now = trio.current_time()
                self.look(now, now - due)
        finally:
            if self.shut:
                self._tell(trio.current_time())

    def look(self, now: float, late: float) -> None:
        """The loop is so late. Open, shut, or change the rate."""
        standing, self._late = min(late, self._late), late
        passed, self._looked = now - self._looked, now
        count = self._begun()
        begun, self._count = count - self._count, count
        if self.shut:
            self._pace(now, standing, passed)
            self._changed.unpark_all()
            return
        rate = begun / passed
        self._sustained = max(self._sustained * _FADE, min(rate, self._rate_before))
        self._rate_before = rate
        if standing > self.lag_s and begun > _FEW:
            self._sustained = max(self._sustained, rate, _ANY)
            self._shut(now, self._sustained, late)

    def _shut(self, now: float, rate: float, late: float) -> None:
        self.shut = True
        self.rate, self._least = rate * _FIRST, rate * _LEAST
        self._left, self._calm_since = 0.0, inf
        self._saying = _TOLD_FIRST
        self._told, self._told_at = self.shed, now
        self._renew()
        logger.warning("Overloaded: the loop is %.2f s late. Taking %.0f requests a second.", late, self.rate)

    def _pace(self, now: float, standing: float, passed: float) -> None:
        """What is shed shows that more is asked for than is taken; only then is there a reason to go on."""
        calm = standing <= self.lag_s * _CALM
        if calm:
            self.rate *= _UP
        elif standing > self.lag_s * _TOO_LATE:
            self.rate = max(self._least, self.rate * _DOWN)
        self._call(passed)
        none, self._seen = self.shed == self._seen, self.shed
        enough = calm and not self._waiting and (none or self._left >= 1)
        self._left = min(self._left + self.rate * passed, max(1.0, self.rate * _SPARE_S))
        self._calm_since = min(self._calm_since, now) if enough else inf
        if now - self._calm_since >= _OVER_S:
            self._open(now)
        elif now - self._told_at >= _TELL_S:
            self._tell(now)

    def _call(self, passed: float) -> None:
        """Let the last of those that wait begin, as many as there is room for; tell the first, as many as is their part."""
        waiting = self._waiting
        part = max(self._sustained * _TOLD, len(waiting) / _WAIT_S)
        self._saying = min(self._saying + part * passed, max(_TOLD_FIRST, part * _SPARE_S))
        while waiting and self._left >= 1:
            self._left -= 1
            waiting.pop().call(let=True)
        while waiting and self._saying >= 1:
            self._saying -= 1
            waiting.popleft().call(let=False)

    def _open(self, now: float) -> None:
        self._tell(now)
        self.shut, self.rate = False, inf
        logger.info("No longer overloaded; %d requests were shed since this worker began.", self.shed)

    def _tell(self, now: float) -> None:
        shed = Shed(self._id, self.shed - self._told, now - self._told_at)
        self._told, self._told_at = self.shed, now
        if shed.count:
            self._renew()
            try:
                if self._on_shed is not None:
                    self._on_shed(shed)
            except Exception:  # who listens must not keep the door shut
                logger.exception("The listener for what is shed failed on %r", shed)

    def _renew(self) -> None:
        """Make the answers for the time until the next telling, with the id that it will have."""
        self._id = self._next_id()
        lines, body = problem(503, _DETAIL, self._id)
        self._answers = cycle(Response(503, [*lines, (b"retry-after", after)], body) for after in _RETRY_AFTER)


def _for_grpc(id: str) -> Response:
    """UNAVAILABLE, which its clients try again (gRPC over HTTP/2, "Trailers-Only")."""
    lines = [(b"content-type", b"application/grpc"), (b"grpc-status", b"14"), (b"grpc-message", _DETAIL.encode())]
    return Response(200, [*lines, (b"x-request-id", id.encode("ascii"))])
