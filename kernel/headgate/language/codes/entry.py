"""What is known of a code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """`title` in a few words, `explanation` in a paragraph, and an example of each kind, as it stands in a policy."""

    title: str
    explanation: str
    bad: str
    good: str
