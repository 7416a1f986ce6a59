"""Fields of requests that leave the bill as it is; see `Speaks`: https://platform.claude.com/docs/en/api/messages.

What is written to a cache is priced, and a bound reckons with the dearest price. Not here, since they raise it: `speed`
but for the standard one, `inference_geo` (https://platform.claude.com/docs/en/about-claude/pricing), `container`,
`mcp_servers`, `fallbacks`, `context_management`.
"""

from __future__ import annotations

from typing import Final

HARMLESS: Final = frozenset({
    "cache_control", "diagnostics", "metadata", "user_profile_id", "speed=standard", "service_tier=standard_only",
    # Kept for whoever reads it again: see `parameters`.
    "tool_choice", "output_format",
    "thinking.effort", "thinking.thinking.type", "thinking.thinking.budget_tokens", "thinking.thinking.display",
})  # fmt: skip
