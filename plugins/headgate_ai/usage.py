"""What a call used, by the kinds of token that providers bill."""

from __future__ import annotations

import msgspec

from headgate.api import Money, Usage

# Of English, a token is about four characters; of most other languages it is fewer, so this errs low.
BYTES_PER_TOKEN = 4


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts. As the providers count: input includes cached and audio, output includes reasoning and audio."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    estimated: bool = False

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


def tokens_in(size_bytes: int) -> int:
    """An estimate, from the size of a text in UTF-8; the same text always gives the same count."""
    return -(-size_bytes // BYTES_PER_TOKEN)
