"""Patterns that an operator writes, found in texts that may come in pieces.

1. RE2 finds the matches, in linear time. Of several patterns the match that begins first counts.
2. On a stream a match may have begun that is not over. `beginnings` makes of a pattern another one that matches whatever a
   match of the first can begin with; what matches that up to the end of the text is held back, and nothing else.
3. So that what is held back has a bound, a pattern for answers must have one: `.{0,200}` in place of `.*`.
"""

from headgate_guard.patterns.finding import Outside, Patterns
from headgate_guard.patterns.steps import answer, pattern

__all__ = ["Outside", "Patterns", "answer", "pattern"]
