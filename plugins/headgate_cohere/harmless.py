"""Fields of requests that leave the bill as it is; see `Speaks`: https://docs.cohere.com/reference/chat. `connectors` and
`search_queries_only`, of the version before, are not."""

from __future__ import annotations

from typing import Final

HARMLESS: Final = frozenset({
    "safety_mode", "citation_options", "strict_tools", "priority",
    "thinking.thinking.type", "thinking.thinking.token_budget",
})  # fmt: skip
