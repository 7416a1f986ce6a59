"""Whole answers, and what they used."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from headgate.contracts.ai.parts import Audio, Image, Opaque, Reasoning, Refused, Text, ToolCall
from headgate.contracts.shapes.usage import Usage
from headgate.contracts.values import Money
from headgate.message.strict_fields import MOST_COUNT

Stop = Literal["stop", "length", "tools", "filter", "sequence", "refusal", "pause", "other"]
"""Why an answer ended: by itself, at its bound, to have tools called, at a content filter, at a stop sequence, because the
model declined, to be gone on with, or for a reason that only the provider knows."""

Said = Text | Reasoning | ToolCall | Refused | Audio | Image | Opaque

# Of English, a token is about four characters; of most other languages it is fewer, so this errs low.
BYTES_PER_TOKEN = 4


class Counted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Token counts. Input includes what was cached, what was written to a cache, audio and images; output includes
    reasoning and audio: as OpenAI counts, whatever the provider's own habit. `cache_write_1h_tokens` are those of
    `cache_write_tokens` that a cache keeps for an hour, which some providers price apart. What is not sold by tokens is
    counted in its own units: seconds of sound, characters to speak, `images`, and `searches` of a reranker. `size` is
    what an image is priced by, where it is priced by anything: `1024x1024 standard`. `web_searches` and `file_searches`
    are those that the provider made for an answer, which many bill beside the tokens. `cached_audio_tokens` and
    `cached_image_tokens` are those of `cached_tokens` that a provider counts apart."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    cached_audio_tokens: int = 0
    cached_image_tokens: int = 0
    seconds: float = 0.0
    characters: int = 0
    images: int = 0
    searches: int = 0
    web_searches: int = 0
    file_searches: int = 0
    size: str = ""
    estimated: bool = False

    @property
    def plausible(self) -> bool:
        """Whether these can be: none below nothing, none beyond all measure, no part larger than its whole."""
        counts = msgspec.structs.astuple(self)[:_COUNTS]
        if counts[2:] == _NOTHING_ELSE:
            return 0 <= self.input_tokens <= MOST_COUNT and 0 <= self.output_tokens <= MOST_COUNT
        return (
            min(counts) >= 0
            and max(counts) <= MOST_COUNT
            and self.seconds >= 0  # not a number is neither more nor less than any
            and self.cached_tokens + self.cache_write_tokens <= self.input_tokens
            and self.cache_write_1h_tokens <= self.cache_write_tokens
            and self.cached_audio_tokens + self.cached_image_tokens <= self.cached_tokens
            and self.input_audio_tokens + self.input_image_tokens <= self.input_tokens
            and max(self.reasoning_tokens, self.output_audio_tokens + self.output_image_tokens) <= self.output_tokens
        )

    def usage(self, cost: Money | None) -> Usage:
        """As a policy and the log see it."""
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=self.cached_tokens,
            cache_write_tokens=self.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens,
            audio_tokens=self.input_audio_tokens + self.output_audio_tokens,
            cost=cost,
            estimated=self.estimated,
        )


# Of its fields, those that count; the last two do not.
_COUNTS: Final = len(Counted.__struct_fields__) - 2
_NOTHING_ELSE: Final = (0,) * (_COUNTS - 2)


class TokenProb(msgspec.Struct, omit_defaults=True):
    """How likely a token was (natural logarithm), and the most likely others in its place."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top: list[TokenProb] = []


class Choice(msgspec.Struct, omit_defaults=True):
    """One of the answers to a chat; nearly always the only one. `sequence` is the stop sequence that was met."""

    parts: list[Said] = []
    stop: Stop = "stop"
    sequence: str | None = None
    index: int = 0
    logprobs: list[TokenProb] | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """What a model said. `created` is in seconds since 1970; `model` is the provider's name for who answered."""

    choices: list[Choice]
    id: str | None = None
    model: str | None = None
    created: int | None = None
    counted: Counted | None = None
    extra: dict[str, object] = {}


def tokens_in(size_bytes: int) -> int:
    """An estimate, from the size of a text in UTF-8; the same text always gives the same count."""
    return -(-size_bytes // BYTES_PER_TOKEN)
