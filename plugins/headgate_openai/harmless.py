"""Fields of requests that leave the bill as it is; see `Speaks`. What is not here may raise it: `prediction` bills what it
foresaw wrongly, `web_search_options` and `prompt` bring in texts and tools, `service_tier` may be a dearer one.

https://platform.openai.com/docs/api-reference/chat/create, https://platform.openai.com/docs/api-reference/responses/create;
tiers: https://platform.openai.com/docs/guides/flex-processing, https://console.groq.com/docs/service-tiers; what changes
only how words are chosen: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#extra-parameters.
"""

from __future__ import annotations

from typing import Final

# A cache that keeps for longer costs nothing more: https://platform.openai.com/docs/guides/prompt-caching.
_BOTH: Final = frozenset({
    "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "service_tier=flex", "tool_choice", "verbosity",
})  # fmt: skip

CHAT: Final = _BOTH | {
    "logit_bias", "service_tier=on_demand", "function_call",
    "min_p", "repetition_penalty", "min_tokens", "stop_token_ids", "ignore_eos",
}  # fmt: skip

RESPONSES: Final = _BOTH | {"include", "max_tool_calls", "truncation"}
