"""Counts: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html.

`inputTokens` leaves out what was read from a cache and written to one
(https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html); our input has all three. Thoughts are in
`outputTokens`, and are not counted apart.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import Counted


class CacheDetail(msgspec.Struct, rename="camel"):
    """Tokens written to a cache for so long: `5m` or `1h`."""

    ttl: str | None = None
    input_tokens: int | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    """As Bedrock has it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None

    def counted(self) -> Counted:
        """As every dialect counts here."""
        read, written = self.cache_read_input_tokens or 0, self.cache_write_input_tokens or 0
        return Counted(
            input_tokens=(self.input_tokens or 0) + read + written,
            output_tokens=self.output_tokens or 0,
            cached_tokens=read,
            cache_write_tokens=written,
            cache_write_1h_tokens=sum(one.input_tokens or 0 for one in self.cache_details or () if one.ttl == "1h"),
        )


def token_usage(counted: Counted) -> dict[str, Any]:
    """`usage`, for what tests give."""
    fresh = counted.input_tokens - counted.cached_tokens - counted.cache_write_tokens
    made = {
        "inputTokens": fresh,
        "outputTokens": counted.output_tokens,
        "totalTokens": counted.input_tokens + counted.output_tokens,
    }
    if counted.cached_tokens or counted.cache_write_tokens:
        made["cacheReadInputTokens"] = counted.cached_tokens
        made["cacheWriteInputTokens"] = counted.cache_write_tokens
    return made
