"""What in-file tests give in place of upstreams, models and steps: `given orders = reply(200)`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headgate.errors import UpstreamFault


@dataclass(frozen=True, slots=True)
class FakeReply:
    """`reply(200, json=…)`: one answer of an upstream. `delay_s` passes on the jumping clock before the head."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FakeChat:
    """`chat_reply(…)`, `chat_stream(…)`: what a model says, to be put into its provider's dialect.

    `pieces` are the deltas of a stream; `dies_after` pieces the stream breaks off.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    pieces: tuple[str, ...] = ()
    dies_after: int | None = None


@dataclass(frozen=True, slots=True)
class FakeFailure:
    """`fail(upstream.timeout)`: the step, upstream or model raises this kind."""

    kind: str
    record: dict[str, Any] = field(default_factory=dict)


class FakeBody:
    """The body of a fake's answer: it comes in these pieces, and then breaks off, if it is to."""

    def __init__(self, pieces: list[bytes], *, breaks_off: bool = False) -> None:
        self.length: int | None = None
        self._pieces = pieces[::-1]
        self._breaks_off = breaks_off

    def __repr__(self) -> str:
        return f"<FakeBody [{len(self._pieces)} left{', breaks off' * self._breaks_off}]>"

    async def read(self) -> bytes:
        import trio  # where nothing is rehearsed, as in `headgate fmt`, nobody needs it

        await trio.lowlevel.checkpoint()
        if self._pieces:
            return self._pieces.pop()
        if self._breaks_off:
            raise UpstreamFault("upstream.protocol", "The model broke off, as it was told to.")
        return b""

    async def aclose(self) -> None:
        self._pieces = []
        self._breaks_off = False
