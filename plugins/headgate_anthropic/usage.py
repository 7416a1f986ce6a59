"""Counts. Anthropic's `input_tokens` are those that were neither read from a cache nor written to it.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import Counted


class Details(msgspec.Struct):
    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`usage` of a message or of a `message_delta`; what a stream says later replaces what it said before."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: Details | None = None

    def after(self, before: WireUsage | None) -> WireUsage:
        """Both as one: counts of a `message_delta` are totals, and leave out what has not changed."""
        if before is None:
            return self
        names = self.__struct_fields__
        return WireUsage(*(getattr(self if getattr(self, name) is not None else before, name) for name in names))

    def counted(self) -> Counted:
        cached, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        details = self.output_tokens_details
        return Counted(
            input_tokens=(self.input_tokens or 0) + cached + written,
            output_tokens=self.output_tokens or 0,
            cached_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=(details.thinking_tokens or 0) if details is not None else 0,
        )


def usage(counted: Counted | None) -> dict[str, Any]:
    """Counts in Anthropic's words."""
    said = counted or Counted()
    fresh = said.input_tokens - said.cached_tokens - said.cache_write_tokens
    body: dict[str, Any] = {
        "input_tokens": max(fresh, 0),
        "output_tokens": said.output_tokens,
        "cache_creation_input_tokens": said.cache_write_tokens,
        "cache_read_input_tokens": said.cached_tokens,
    }
    if said.reasoning_tokens:
        body["output_tokens_details"] = {"thinking_tokens": said.reasoning_tokens}
    return body
