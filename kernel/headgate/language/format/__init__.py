"""The formatter: one way to lay a policy out, no options.

1. It prints the tree anew and never looks at the spaces of the source, but for three things that are the author's:
   a blank line (one at most), a `{ … }` that was written on one line, and a list, call or object that was broken
   behind its bracket.
2. What does not fit 120 columns is broken: a block first, then the arguments of a step (the long form), then the
   outermost brackets of a line.
3. A comment stays with its line: on a line of its own, or two spaces behind. One in the middle of an expression moves
   in front of the statement.
4. Texts and numbers stay as they are written; the lines of a triple-quoted text move with their statement.
5. Formatting twice is formatting once, and the tree is the same before and after.
"""

from __future__ import annotations

from headgate.errors import PolicyError
from headgate.language.format.items import Items
from headgate.language.parse import parse
from headgate.language.source import Source

__all__ = ["format_source"]


def format_source(source: Source) -> str:
    """The text of a policy file, laid out. `PolicyError` with the findings where it cannot be read."""
    file, findings = parse(source)
    if file is None or findings:
        raise PolicyError(findings)
    return Items(source, file).file()
