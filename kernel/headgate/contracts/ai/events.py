"""What happens in a streamed answer, one thing at a time.

1. `Began` comes first, once; `Ended` last, once, where the stream is whole. Between them, each part of each choice is
   `Opened`, grows by deltas, and is `Closed`; then its choice has `Stopped`. Indexes count the parts of a choice from 0,
   in the order in which they open; several may be open at a time (tool calls in parallel).
2. `Opened` has the part as far as it is known: a tool call has its id and name, a text is empty.
3. `Used` may come anywhere, more than once; the last one counts. `Pinged` says that the stream lives. `Failed` ends it.
4. A reader gives these in an order that holds to the above, whatever its dialect leaves unsaid; so a writer may rely on it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.contracts.ai.answers import Counted, Said, Stop, TokenProb
from headgate.contracts.ai.parts import Citation


class Began(msgspec.Struct, frozen=True, tag=True):
    """The answer has a beginning: who answers, and the provider's id for it. `counted` is what is counted by then, for
    dialects that begin with it; `Used` says it too."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    counted: Counted | None = None


class Opened(msgspec.Struct, frozen=True, tag=True):
    """A part begins."""

    part: Said
    index: int = 0
    choice: int = 0


class TextDelta(msgspec.Struct, frozen=True, tag=True):
    """More of a text. `logprobs` are those of the tokens in it."""

    text: str
    index: int = 0
    choice: int = 0
    logprobs: list[TokenProb] | None = None


class ArgumentsDelta(msgspec.Struct, frozen=True, tag=True):
    """More of a tool call's arguments: a fragment of a JSON text, cut anywhere."""

    text: str
    index: int = 0
    choice: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, tag=True):
    """More of what the model thinks."""

    text: str
    index: int = 0
    choice: int = 0


class SignatureDelta(msgspec.Struct, frozen=True, tag=True):
    """The proof of a part that thinks; it comes before the part is closed."""

    signature: str
    index: int = 0
    choice: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, tag=True):
    """More of a refusal."""

    text: str
    index: int = 0
    choice: int = 0


class CitationDelta(msgspec.Struct, frozen=True, tag=True):
    """One more citation of a text."""

    citation: Citation
    index: int = 0
    choice: int = 0


class AudioDelta(msgspec.Struct, frozen=True, tag=True):
    """More sound, as base64, or more of its transcript."""

    data: str = ""
    transcript: str = ""
    index: int = 0
    choice: int = 0


class Closed(msgspec.Struct, frozen=True, tag=True):
    """A part is complete."""

    index: int = 0
    choice: int = 0


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """A choice is complete."""

    stop: Stop
    choice: int = 0
    sequence: str | None = None


class Used(msgspec.Struct, frozen=True, tag=True):
    """What the provider has counted until now."""

    counted: Counted


class Pinged(msgspec.Struct, frozen=True, tag=True):
    """Nothing but a sign of life."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The provider gave up, and said so. `fields` are `where` and `code` where it says them."""

    message: str
    fields: dict[str, Any] = {}
    status: int | None = None


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The answer is whole."""


Happening = (
    Began
    | Opened
    | TextDelta
    | ArgumentsDelta
    | ReasoningDelta
    | SignatureDelta
    | RefusalDelta
    | CitationDelta
    | AudioDelta
    | Closed
    | Stopped
    | Used
    | Pinged
    | Failed
    | Ended
)
