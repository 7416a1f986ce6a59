"""Fields of requests that leave the bill as it is; see `Speaks`: https://docs.mistral.ai/api/endpoint/chat. The words that
`safe_prompt` and `prompt_mode` put before a chat are some hundred, which every bound allows for. `prediction` and
`guardrails` are not here."""

from __future__ import annotations

from typing import Final

HARMLESS: Final = frozenset({"safe_prompt", "prompt_mode", "min_tokens", "repetition_penalty", "prompt_cache_key"})
