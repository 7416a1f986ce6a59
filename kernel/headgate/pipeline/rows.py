"""The row of the call log: what became of an exchange, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.errors import Failure, NodeStopping

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange
    from headgate.contracts.shapes import Attempt


def row_of(x: Exchange) -> dict[str, Any]:
    """The row of an exchange that is over. Absent things are left out; `log.call` and others add by `note`."""
    request, clock = x.request, x.node.clock
    row: dict[str, Any] = {
        "at": x.started_at,
        "id": request.id,
        "route": x.route.name if x.route is not None else None,
        "method": request.method,
        "host": request.host,
        "path": request.path,
        "http_version": request.http_version,
        "status": _status(x),
        "outcome": x.outcome,
        "duration_s": clock.monotonic() - x.started,
        "bytes_in": x.bytes_in,
        "bytes_out": x.bytes_out,
        "client": x.client.ip,
        "worker": x.node.worker,
    }
    if x.caller is not None:
        row["caller"] = x.caller.id
        row["team"] = x.caller.team
    served = x.served
    if served is not None:
        row["target"] = served.target
        row["attempts"] = [_attempt(attempt) for attempt in served.attempts]
        if served.model is not None:
            row["model"] = served.model
        if served.provider is not None:
            row["provider"] = served.provider
        if served.attempts and served.attempts[-1].key is not None:
            row["key"] = served.attempts[-1].key
    if x.usage is not None:
        usage = x.usage
        row.update(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            audio_tokens=usage.audio_tokens,
            cost=None if usage.cost is None else int(usage.cost),
            estimated=usage.estimated,
        )
    if x.failure is not None:
        if isinstance(x.failure, Failure):
            row["detail"] = x.failure.message
        row["error"] = x.failure.kind if isinstance(x.failure, Failure) else type(x.failure).__name__
    if x.shadows:
        row["shadows"] = x.shadows
    if x.log is not None:
        row.update(x.log)
    return row


def _status(x: Exchange) -> int:
    """What the client was told, or would have been."""
    if isinstance(x.failure, NodeStopping) and x.outcome == "failed":
        return x.failure.status_hint
    if x.response is not None:
        return x.response.status
    return 499 if x.outcome == "client_gone" else 500


def _attempt(attempt: Attempt) -> dict[str, Any]:
    """One try, without what there is not to say of it. The key is its name."""
    said: dict[str, Any] = {"target": attempt.target, "result": attempt.result, "duration_s": attempt.duration_s}
    if attempt.cost is not None:
        said["cost"] = int(attempt.cost)
    if attempt.key is not None:
        said["key"] = attempt.key
    if attempt.status is not None:
        said["status"] = attempt.status
    if attempt.why is not None:
        said["why"] = attempt.why
    return said


def refused_row(
    *, at: float, id: str, method: str, target: str, version: str | None, status: int, reason: str, client: str,
    worker: str,
) -> dict[str, Any]:  # fmt: skip
    """The row of what the wire refused by itself: it reached the listener, so it is in the log, without its query."""
    path = target.partition("?")[0]
    row: dict[str, Any] = {
        "at": at, "id": id, "route": None, "method": method, "host": "", "path": path, "status": status,
        "outcome": "refused", "duration_s": 0.0, "bytes_in": 0, "bytes_out": 0, "client": client, "worker": worker,
        "error": reason,
    }  # fmt: skip
    if version is not None:
        row["http_version"] = version
    return row


def shed_row(*, at: float, id: str, count: int, seconds: float, worker: str) -> dict[str, Any]:
    """The row of requests that an overloaded worker shed within `seconds`: they have no other, as thousands a second would
    be more work than they were."""
    return {
        "at": at - seconds, "id": id, "route": None, "method": "-", "host": "", "path": "-", "status": 503,
        "outcome": "refused", "duration_s": seconds, "bytes_in": 0, "bytes_out": 0, "client": "-", "worker": worker,
        "error": "overload", "detail": f"{count} requests were shed", "shed": count,
    }  # fmt: skip
