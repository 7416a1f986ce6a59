"""One request to one target: choosing, sending, and what it says of the target's health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from headgate.api import (
    Attempt,
    Body,
    Exchange,
    Line,
    Outgoing,
    Response,
    Served,
    Timeouts,
    Tunnel,
    UpstreamFault,
    is_ready,
    trailers_of,
)
from headgate_routing.balance import Endpoint
from headgate_routing.resource import Upstream

# Faults that say nothing of the target: the egress rules spoke, not the target.
_NOT_ITS_FAULT = frozenset({"upstream.refused"})


class SeatedBody:
    """An answer's body that gives its endpoint's seat back when it is closed. Reading it costs nothing more."""

    __slots__ = ("_body", "_endpoint", "idle_s", "length", "read", "write")

    def __init__(self, body: Body, endpoint: Endpoint) -> None:
        self.length = body.length
        self.read: Callable[[], Awaitable[bytes]] = body.read
        if isinstance(body, Tunnel):
            self.write: Callable[[bytes], Awaitable[None]] = body.write
            self.idle_s: float | None = getattr(body, "idle_s", None)
        self._body = body
        self._endpoint: Endpoint | None = endpoint

    def __repr__(self) -> str:
        return f"<SeatedBody {self._body!r}>"

    @property
    def ready(self) -> bool:
        """Whether its next piece is there."""
        return is_ready(self._body)

    @property
    def trailers(self) -> Iterable[Line]:
        """What came behind it, once it has ended."""
        return trailers_of(self._body)

    async def aclose(self) -> None:
        """Close the body, and give the seat back, once."""
        if self._endpoint is not None:
            self._endpoint.active -= 1
            self._endpoint = None
        await self._body.aclose()


async def attempt(ctx: Exchange, to: Upstream, outgoing: Outgoing, bounds: Timeouts, served: Served) -> Response:
    """Send to a target of `to`, and note in `served` how that went. Raises UpstreamFault, and what a streamed request
    body raises; cancelling it closes the connection."""
    clock = ctx.node.clock
    began = clock.monotonic()
    try:
        endpoint = to.choose(began, served.attempts)
    except UpstreamFault as none:
        served.attempts.append(Attempt(target=to.name, result=none.kind, duration_s=0.0, why=none.message))
        raise
    health = endpoint.health
    served.target = endpoint.label
    result, status, why = "cut", None, None
    endpoint.active += 1
    health.begin()
    try:
        response = await (endpoint.via or ctx.node.transport).send(endpoint.target, outgoing, bounds)
    except UpstreamFault as fault:
        result, why = fault.kind, fault.message
        if fault.kind not in _NOT_ITS_FAULT:
            health.failed(clock.monotonic(), dead=True)
        raise
    else:
        status = response.status
        if status < 500:
            health.passed()
        else:
            health.failed(clock.monotonic(), dead=False)
        result = "ok" if status < 400 else str(status)
        if not isinstance(response.body, bytes):
            response.body = SeatedBody(response.body, endpoint)  # type: ignore[assignment]
            endpoint.active += 1
        return response
    finally:
        endpoint.active -= 1
        if result in _SAYS_NOTHING:
            health.abandoned()
        served.attempts.append(
            Attempt(target=endpoint.label, result=result, duration_s=clock.monotonic() - began, status=status, why=why)
        )


_SAYS_NOTHING = _NOT_ITS_FAULT | {"cut"}
