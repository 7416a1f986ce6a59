"""What an error in OpenAI's dialect says of the key: by its code, its type, or how its sentence begins.

Many speak this dialect, each with words of its own; a word means the same wherever it is used. What a status says by
itself (401, 402, 429) is not here. A 403 says nothing: it is OpenAI's word for a country, OpenRouter's for a prompt that
moderation stopped (https://openrouter.ai/docs/api-reference/errors), Together's for one that is too long
(https://docs.together.ai/docs/error-codes).
"""

from __future__ import annotations

import re
from typing import Final

from headgate.api.ai import KeyState

# Codes and types. https://platform.openai.com/docs/guides/error-codes; the others as their comments say.
_WORDS: Final[dict[str, KeyState]] = {
    **dict.fromkeys((
        "invalid_api_key", "account_deactivated", "access_terminated", "ip_not_authorized",
        "InvalidApiKey",  # https://www.alibabacloud.com/help/en/model-studio/error-code
    ), "invalid"),
    **dict.fromkeys((
        "insufficient_quota", "billing_hard_limit_reached", "billing_not_active",
        "insufficient_balance", "credit_balance_too_low",
        "exceeded_current_quota_error",  # https://platform.moonshot.ai/docs/api/chat
        "blocked_api_access",  # https://console.groq.com/docs/spend-limits
        "Arrearage",  # https://www.alibabacloud.com/help/en/model-studio/error-code
        "1113",  # https://docs.z.ai/api-reference/api-code
    ), "out of credit"),
}  # fmt: skip
_SENTENCES: Final[tuple[tuple[re.Pattern[str], KeyState], ...]] = (
    (re.compile(r"Incorrect API key provided"), "invalid"),
    (re.compile(r"You exceeded your current quota|Insufficient Balance|Billing hard limit has been reached"), "out of credit"),
    # https://docs.x.ai/docs/key-information/debugging
    (re.compile(r"Your newly created team doesn't have any credits|Your team [\w-]+ has either used all available credits"), "out of credit"),
    # Too large for any minute of this key, and a smaller question is not: https://platform.openai.com/docs/guides/rate-limits
    (re.compile(r"Request too large for"), "ok"),
    # What is left is enough for others: https://openrouter.ai/docs/api-reference/errors
    (re.compile(r"This request requires more credits, or fewer max_tokens"), "ok"),
)  # fmt: skip


def key_state(message: str, *words: object) -> KeyState | None:
    """What an error says of the key; None where its status says it. `words` are its code and its type."""
    for pattern, state in _SENTENCES:
        if pattern.match(message):
            return state
    return next((_WORDS[word] for word in words if isinstance(word, str) and word in _WORDS), None)
