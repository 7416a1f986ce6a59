"""What a model says, in words that every simulator understands.

    sim.says(Says("Hello"), Says(Call("weather", {"city": "Oslo"})), Fails("limited", retry_after_s=2))

Three kinds of answer: `Says` (the model answers), `Fails` (the provider refuses, in its own words), `Raw` (bytes that no
provider should send, and some do). How a `Says` travels, and where it breaks, is in its `manners`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Stop = Literal["stop", "length", "tools", "filter", "sequence"]
End = Literal["reset", "close", "end", "error", "hang"]
Kind = Literal["limited", "credit", "key", "forbidden", "model", "bad", "too_long", "server", "overloaded"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A place that a text leans on: the words, the document they stand in (by number, title, address), and where."""

    cited: str
    title: str = ""
    url: str = ""
    document: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Words for the user. A plain string among the parts means the same, without citations."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning, and the signature by which its provider knows it again."""

    text: str
    signature: str = "c2lnbmVkLWJ5LXRoZS1zaW11bGF0b3I="


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. `id` is made up in the provider's own form where it is empty."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def text(self) -> str:
        """The arguments as a model writes them."""
        return json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model declines, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Json:
    """Structured output: the value, written as the text of the answer."""

    value: Any

    @property
    def text(self) -> str:
        """The value as a model writes it."""
        return json.dumps(self.value)


@dataclass(frozen=True, slots=True)
class Flags:
    """What a moderation model finds: categories by their name at the provider, each with its score."""

    scores: Mapping[str, float]

    @property
    def text(self) -> str:
        """A verdict has no words."""
        return ""


Part = Text | Thought | Call | Refusal | Json | Flags


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts of one answer. `cached` and `cache_write` are part of `input`, `reasoning` is part of `output`. `heard`
    is the sound in `input`, `spoken` the sound in `output`.

    `units` counts what is not paid by tokens: searches of a reranker, images, requests for speech.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    units: int = 0
    heard: int = 0
    spoken: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
            self.units + other.units,
            self.heard + other.heard,
            self.spoken + other.spoken,
        )

    def produced(self, share: float) -> Tokens:
        """What is billed where only that share (0 to 1) of the output was produced: the input whole, the rest up."""
        output, reasoning = math.ceil(self.output * share), math.ceil(self.reasoning * share)
        spoken = math.ceil(self.spoken * share)
        return Tokens(self.input, output, self.cached, self.cache_write, reasoning, self.units, self.heard, spoken)


@dataclass(frozen=True, slots=True)
class Pieces:
    """How a stream is cut into events: characters an event, tools one after the other or in turn, pings between."""

    text: int = 6
    arguments: int = 6
    interleave: bool = False
    ping_every: int = 0

    def of_text(self, text: str) -> list[str]:
        """The pieces of a text."""
        return [text[at : at + self.text] for at in range(0, len(text), self.text)]

    def of_arguments(self, text: str) -> list[str]:
        """The pieces of a call's arguments."""
        return [text[at : at + self.arguments] for at in range(0, len(text), self.arguments)]


@dataclass(frozen=True, slots=True)
class Manners:
    """How an answer travels, and where it breaks.

    After `dies_after` events (of a whole answer: after half of its bytes) it ends as `how` says: "reset" (TCP reset),
    "close" (the connection closes inside the body), "end" (the body ends as if it were whole), "error" (the provider's
    own error event, of the kind `error`), "hang" (silence, until the client goes).
    """

    crlf: bool = False
    comments: bool = False
    empty_frames: bool = False
    cut_bytes: int = 0
    pause_s: float = 0.0
    dies_after: int | None = None
    how: End = "reset"
    error: Kind = "overloaded"
    unfinished: bool = False
    no_usage: bool = False


@dataclass(frozen=True, slots=True)
class Says:
    """The model answers: one part or several, in this order. What is not said is what a provider would do by itself."""

    parts: str | Part | tuple[str | Part, ...] = ()
    stop: Stop | None = None
    stop_sequence: str | None = None
    tokens: Tokens | None = None
    pieces: Pieces = Pieces()
    manners: Manners = Manners()

    @property
    def content(self) -> tuple[Part, ...]:
        """The parts, each in its own form."""
        parts = self.parts if isinstance(self.parts, tuple) else (self.parts,)
        return tuple(Text(part) if isinstance(part, str) else part for part in parts)

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(part for part in self.content if isinstance(part, Call))

    @property
    def words(self) -> str:
        """The text for the user, of all parts."""
        return "".join(part.text for part in self.content if isinstance(part, (Text, Json)))

    @property
    def thoughts(self) -> tuple[Thought, ...]:
        return tuple(part for part in self.content if isinstance(part, Thought))

    @property
    def refusal(self) -> str:
        return "".join(part.text for part in self.content if isinstance(part, Refusal))

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(each for part in self.content if isinstance(part, Text) for each in part.citations)

    @property
    def ends(self) -> Stop:
        """Why the model stops, where the script does not say: for its tools if it calls some."""
        return self.stop or ("tools" if self.calls else "stop")

    def counted(self, asked_bytes: int) -> Tokens:
        """The counts of this answer; where the script gives none, one token for every four characters or so."""
        if self.tokens is not None:
            return self.tokens
        thought = sum(map(len, (part.text for part in self.thoughts)))
        output = sum(len(part.text) for part in self.content)
        return Tokens(math.ceil(asked_bytes / 4), math.ceil(output / 4), reasoning=math.ceil(thought / 4))


@dataclass(frozen=True, slots=True)
class Fails:
    """The provider refuses, with its own status and error body for that kind of trouble; nothing is billed.

    "key" repeats the key that was sent: not all providers do, and a gateway has to stand it. `message` takes the place of the provider's sentence.
    """

    kind: Kind
    message: str = ""
    retry_after_s: float | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """These bytes, with this status. A 2xx of bytes that nobody can read was paid for all the same: `tokens`."""

    status: int
    body: bytes
    content_type: str = "application/json"
    tokens: Tokens = Tokens()


HTML_500 = Raw(
    500, b"<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>", "text/html"
)
EMPTY_200 = Raw(200, b"")
BROKEN_200 = Raw(200, b'{"id": "cut-off", "choices": [{"mess')
