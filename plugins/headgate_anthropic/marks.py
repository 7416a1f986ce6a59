"""Whose a proof of thought is. Another provider's is carried through a client of Anthropic and back (see `carry`)."""

from __future__ import annotations

from headgate.api.ai import Reasoning
from headgate_anthropic.facts import NAME


def own(part: Reasoning) -> bool:
    """Whether Anthropic made it."""
    return part.maker == NAME
