"""What Cohere's chat names things: https://docs.cohere.com/reference/chat."""

from __future__ import annotations

from typing import Final

from headgate.api.ai import Stop

NAME: Final = "cohere"
PATH: Final = b"/chat"

STOPS: Final[dict[str, Stop]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tools",
    "ERROR_TOXIC": "filter",
}
REASONS: Final[dict[Stop, str]] = {
    "stop": "COMPLETE",
    "sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tools": "TOOL_CALL",
    "filter": "ERROR",
    "refusal": "COMPLETE",
    "pause": "COMPLETE",
    "other": "COMPLETE",
}
# With these a stream has failed, whatever it said before.
FAILURES: Final = {"ERROR": 500, "TIMEOUT": 504}

# Marks a thought that is the plan of a tool call, which has a field of its own here.
PLAN: Final = "tool_plan"
