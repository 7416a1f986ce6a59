"""Counts. Anthropic's `input_tokens` are those that were neither read from a cache nor written to it.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching#tracking-cache-performance
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import Counted


class Details(msgspec.Struct):
    thinking_tokens: int | None = None


class CacheCreation(msgspec.Struct):
    """What was written to a cache for an hour costs more than what is kept for five minutes."""

    ephemeral_1h_input_tokens: int | None = None


class ServerToolUse(msgspec.Struct):
    web_search_requests: int | None = None


class WireUsage(msgspec.Struct):
    """`usage` of a message or of a `message_delta`; what a stream says later replaces what it said before."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: Details | None = None
    cache_creation: CacheCreation | None = None
    server_tool_use: ServerToolUse | None = None

    def after(self, before: WireUsage | None) -> WireUsage:
        """Both as one: counts of a `message_delta` are totals, and leave out what has not changed."""
        if before is None:
            return self
        names = self.__struct_fields__
        return WireUsage(*(getattr(self if getattr(self, name) is not None else before, name) for name in names))

    def counted(self) -> Counted:
        cached, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        details = self.output_tokens_details
        kept, served = self.cache_creation or CacheCreation(), self.server_tool_use or ServerToolUse()
        return Counted(
            input_tokens=(self.input_tokens or 0) + cached + written,
            output_tokens=self.output_tokens or 0,
            cached_tokens=cached,
            cache_write_tokens=written,
            cache_write_1h_tokens=kept.ephemeral_1h_input_tokens or 0,
            web_searches=served.web_search_requests or 0,
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
    if said.cache_write_1h_tokens:
        body["cache_creation"] = {
            "ephemeral_5m_input_tokens": said.cache_write_tokens - said.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": said.cache_write_1h_tokens,
        }
    if said.web_searches:
        body["server_tool_use"] = {"web_search_requests": said.web_searches, "web_fetch_requests": 0}
    if said.reasoning_tokens:
        body["output_tokens_details"] = {"thinking_tokens": said.reasoning_tokens}
    return body
