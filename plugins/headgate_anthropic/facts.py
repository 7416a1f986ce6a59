"""What the Messages API names things, in tables.

Stop reasons: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons. Errors:
https://platform.claude.com/docs/en/api/errors. Versions: https://platform.claude.com/docs/en/api/versioning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from headgate.api.ai import Stop

NAME: Final = "anthropic"
MESSAGES: Final = b"/messages"
COUNT_TOKENS: Final = b"/messages/count_tokens"

# The newest version takes no sampling parameters; the one before takes all that it takes, and these.
NEWEST: Final = "2026-10-21"
WITH_SAMPLING: Final = "2023-06-01"
SAMPLING: Final = ("temperature", "top_p", "top_k")

# `max_tokens` is required here. Every model that is still served can say as much.
DEFAULT_MAX_TOKENS: Final = 8192

STOPS: Final[dict[str, Stop]] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "stop_sequence": "sequence",
    "tool_use": "tools",
    "pause_turn": "pause",
    "refusal": "refusal",
}
REASONS: Final[dict[Stop, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "sequence": "stop_sequence",
    "tools": "tool_use",
    "pause": "pause_turn",
    "refusal": "refusal",
    "filter": "refusal",
    "other": "end_turn",
}

# Efforts that the API has under the same word, and the next one for those that it has not.
EFFORTS: Final = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
# For models that think only to a budget: tokens for a word, and the word for tokens.
BUDGETS: Final = {"minimal": 1024, "low": 4096, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
LEAST_BUDGET: Final = 1024

# These refuse to be told not to think: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
_ALWAYS_THINK: Final = re.compile(r"mythos|fable|opus-4-7")
_GENERATION: Final = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d)(?!\d))?")


def generation(model: str) -> tuple[int, int]:
    """Of a Claude model, by its name. One that tells none is new; a model of another house speaks the API of old."""
    found = _GENERATION.search(model)
    if found is not None:
        return int(found[1]), int(found[2] or 0)
    return (9, 9) if "claude" in model else (4, 5)


def samples(model: str, options: Mapping[str, Any]) -> bool:
    """Whether it takes `temperature` and its like: Claude does until 4.6."""
    return bool(options.get("sampling", generation(model) < (4, 7)))


def thinks_to_budget(model: str, options: Mapping[str, Any]) -> bool:
    """Whether it knows no thinking but to a budget in tokens: Claude until 4.5."""
    return bool(options.get("thinking", "budget" if generation(model) < (4, 6) else "adaptive") == "budget")


def takes_budget(model: str, options: Mapping[str, Any]) -> bool:
    """Whether it takes a budget in tokens: Claude until 4.6."""
    return thinks_to_budget(model, options) or ("thinking" not in options and generation(model) < (4, 7))


def may_not_think(model: str, options: Mapping[str, Any]) -> bool:
    """Whether it can be told not to think."""
    return bool(options.get("thinking_off", _ALWAYS_THINK.search(model) is None))
