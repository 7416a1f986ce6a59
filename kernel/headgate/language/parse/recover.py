"""How to read on after a mistake: without the statement that holds it."""

from __future__ import annotations

import re

from headgate.language.parse.scan import Chunk

_EDGE = re.compile(r"[\n{}]")
_BODIES = {"route": "block", "fragment": "block", "test": "tblock"}


def blank_statement(text: str, offset: int) -> str | None:
    """The scanned text with the statement at `offset` blank; None if that is the head of the item, or blank already.

    What is blanked in front of a block leaves a `{ }`, which is a statement of its own: what is inside is still read.
    """
    start = max(text.rfind(edge, 0, offset) for edge in "\n{}") + 1
    found = _EDGE.search(text, offset)
    end = found.start() if found else len(text)
    if not start or not text[start:end].strip():
        return None
    blank = " " * (end - start)
    if text[start - 1] == "}" and text[end : end + 1] == "{":
        blank = "\n" + blank[1:]  # the block behind it stands alone
    return text[:start] + blank + text[end:]


def body_of(chunk: Chunk) -> tuple[Chunk, str] | None:
    """The block of an item whose head is wrong, and what it is to the grammar."""
    words = chunk.text.split(maxsplit=1)
    brace = chunk.text.find("{")
    if brace < 0 or not words or words[0] not in _BODIES:
        return None
    return Chunk(chunk.start + brace, chunk.text[brace:]), _BODIES[words[0]]
