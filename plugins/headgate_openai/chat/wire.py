"""What providers send, as far as it is read: whole answers, chunks of them, and their parts."""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import TokenProb
from headgate_openai.chat.counting import WireUsage


class WireProb(msgspec.Struct):
    """One token of `logprobs`."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[WireProb] = []

    def prob(self) -> TokenProb:
        return TokenProb(self.token, self.logprob, self.bytes, [one.prob() for one in self.top_logprobs])


class WireProbs(msgspec.Struct):
    content: list[WireProb] | None = None


class WireFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class WireCall(msgspec.Struct):
    """A tool call. Some who are compatible give the arguments as an object, and leave the id out."""

    function: WireFunction | None = None
    id: str | None = None
    type: str | None = None
    index: int | None = None
    custom: dict[str, Any] | None = None


class WireAudio(msgspec.Struct):
    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class WireMessage(msgspec.Struct):
    """A message of an answer, or a delta of one."""

    role: str | None = None
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    audio: WireAudio | None = None
    annotations: list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | dict[str, Any] | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    images: list[dict[str, Any]] | None = None

    def thought(self) -> str:
        """What the model thought, under whichever name."""
        return self.reasoning_content or (self.reasoning if isinstance(self.reasoning, str) else "") or ""


class WireChoice(msgspec.Struct):
    message: WireMessage | None = None
    delta: WireMessage | None = None
    index: int = 0
    finish_reason: str | None = None
    logprobs: WireProbs | None = None


class WireAnswer(msgspec.Struct):
    """A whole answer, or a chunk of one."""

    choices: list[WireChoice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: WireUsage | None = None


answers = msgspec.json.Decoder(WireAnswer)
