"""What the grammar could not read, in words a person understands."""

from __future__ import annotations

from headgate.language.diagnostics import Diagnostic
from headgate.language.parse.grammar import Failure
from headgate.language.parse.scan import Chunk, Places


def explain(failure: Failure, chunk: Chunk, places: Places, start: str) -> Diagnostic:
    """The finding for where the grammar stopped."""
    at = chunk.start + failure.offset
    return Diagnostic("E001", f"unexpected {failure.at!r} {sorted(failure.expected)}", places.span(at, chunk.start + failure.end))
