"""`log.call`: what the row of this exchange holds, and whether it must be on disk before the answer ends."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from headgate.api import HEAD, Body, BytesBody, Const, Exchange, Ge, Json, Size, step

# What a row can have anyway: a field of that name goes under `field.NAME`, so that no policy rewrites what happened.
OWN: Final = frozenset({
    "at", "id", "route", "method", "host", "path", "status", "outcome", "duration_s", "bytes_in", "bytes_out", "client",
    "worker", "caller", "team", "target", "model", "provider", "attempts", "input_tokens", "output_tokens",
    "cached_tokens", "reasoning_tokens", "cost", "estimated", "error", "shadows", "time", "missed",
    "cache_write_tokens", "audio_tokens", "key", "grpc_status", "http_version", "upgrade", "messages_in",
    "messages_out", "close_code", "closed_by", "model_asked", "ttft_s", "tokens_per_s", "cache", "detail", "shed", "spent",
    "dropped", "unpriced", "uncounted", "unjudged", "redacted", "task",
    "request_body", "response_body", "request_body_truncated", "response_body_truncated",
})  # fmt: skip


@step("log.call", observes=True, after=HEAD)
def log_call(
    ctx: Exchange,
    /,
    *,
    durable: Const[bool] = False,
    body: Const[Literal["none", "request", "response", "both"]] = "none",
    max: Annotated[Size, Ge(1)] = 16 * 1024,
    fields: dict[str, Json] | None = None,
) -> None:
    """Say what the row of this call holds.

    `durable=true` holds the last bytes of the answer until the row is committed. `body=` keeps up to `max` bytes of
    the request's or the answer's body (an answer then travels without a declared length). `fields=` adds values of
    yours. In `finally` only `fields=` has something left to do: the answer is gone by then.
    """
    if durable:
        ctx.durable = True
    for name, value in (fields or {}).items():
        ctx.note(f"field.{name}" if name in OWN else name, value)
    if body in ("request", "both"):
        _keep_request(ctx, max)
    if body in ("response", "both") and not ctx.head_sent:
        kept = Kept("response_body", max)
        ctx.add_filter(lambda piece, last: kept.pass_on(ctx, piece, last))
        ctx.on_close(kept.note)


class Kept:
    """The first bytes of a body, on their way into the row."""

    __slots__ = ("_data", "_max", "_name", "_size")

    def __init__(self, name: str, max_bytes: int) -> None:
        self._name = name
        self._max = max_bytes
        self._size = 0
        self._data = bytearray()

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        room = self._max - len(self._data)
        if room > 0:
            self._data += piece[:room]

    def pass_on(self, ctx: Exchange, piece: bytes, last: bool) -> bytes:
        """As a body filter: nothing changes. The row of a durable answer is made at its last piece."""
        self.add(piece)
        if last:
            self.note(ctx)
        return piece

    def note(self, ctx: Exchange) -> None:
        """Put what was kept into the row, and the true size where that was more."""
        ctx.note(self._name, self._data.decode("utf-8", "replace"))
        if self._size > len(self._data):
            ctx.note(f"{self._name}_truncated", self._size)


class Overheard:
    """A request's body that is kept while somebody else reads it."""

    __slots__ = ("_body", "_kept", "length")

    def __init__(self, body: Body, kept: Kept) -> None:
        self._body = body
        self._kept = kept
        self.length = body.length

    async def read(self) -> bytes:
        piece = await self._body.read()
        self._kept.add(piece)
        return piece

    async def aclose(self) -> None:
        await self._body.aclose()


def _keep_request(ctx: Exchange, max_bytes: int) -> None:
    kept = Kept("request_body", max_bytes)
    if isinstance(ctx.request.body, BytesBody):
        kept.add(ctx.request.body.left)  # A line above has read it; whether another one will is not known.
    elif not ctx.head_sent:
        ctx.request.body = Overheard(ctx.request.body, kept)
    ctx.on_head(kept.note)
    ctx.on_close(kept.note)
