"""What models do besides chatting: embed, rank, draw, speak, transcribe, judge. Each kind of task has one form for what is
wanted, and one for what is made of it. How dialects read and write them, see `jobs`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from headgate.contracts.ai.answers import Counted
from headgate.contracts.ai.parts import Media

TaskKind = Literal["embedding", "rerank", "image", "speech", "transcription", "moderation"]


# --- what is wanted --------------------------------------------------------------------------------------------------


class Upload(msgspec.Struct, frozen=True):
    """A file that came with a request."""

    name: str
    mime: str
    data: bytes


class Wanted(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a task is about. `extra` belongs to the dialect that it came in."""

    kind: ClassVar[TaskKind]
    extra: dict[str, Any] = {}

    @property
    def texts(self) -> list[str]:
        """The words that a model is to read."""
        return []


class Embedding(Wanted):
    """Vectors for texts, or for lists of tokens. `purpose` is what they are for, where a model makes a difference."""

    kind = "embedding"
    inputs: list[str | list[int]]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    purpose: Literal["query", "document", "classification", "clustering", "similarity"] | None = None
    user: str | None = None

    @property
    def texts(self) -> list[str]:
        return [one for one in self.inputs if isinstance(one, str)]


class Rerank(Wanted):
    """The documents that answer a query best, `top` of them. `shows`: the answer holds the documents themselves."""

    kind = "rerank"
    query: str
    documents: list[str]
    top: int | None = None
    shows: bool = False

    @property
    def texts(self) -> list[str]:
        return [self.query, *self.documents]


class Drawing(Wanted):
    """`n` pictures from words, or from words and other pictures (an edit, `mask` says where)."""

    kind = "image"
    prompt: str
    n: int = 1
    size: str | None = None
    quality: str | None = None
    format: str | None = None
    background: str | None = None
    as_url: bool = False
    images: list[Upload] = []
    mask: Upload | None = None
    stream: bool = False
    user: str | None = None

    @property
    def texts(self) -> list[str]:
        return [self.prompt]


class Speech(Wanted):
    """A text, spoken. `format` is mp3, opus, aac, flac, wav or pcm."""

    kind = "speech"
    text: str
    voice: str
    format: str | None = None
    speed: float | None = None
    instructions: str | None = None

    @property
    def texts(self) -> list[str]:
        return [self.text]


class Transcription(Wanted):
    """What is said in a recording; in English, whatever it was said in, where it `translates`. `format` is json,
    verbose_json, text, srt or vtt."""

    kind = "transcription"
    file: Upload
    language: str | None = None
    prompt: str | None = None
    format: str = "json"
    temperature: float | None = None
    translates: bool = False
    stream: bool = False

    @property
    def texts(self) -> list[str]:
        return [] if self.prompt is None else [self.prompt]


class Moderation(Wanted):
    """Whether texts (or pictures, at their address) break rules."""

    kind = "moderation"
    inputs: list[str]
    images: list[Media] = []

    @property
    def texts(self) -> list[str]:
        return self.inputs


# --- what is made of it ----------------------------------------------------------------------------------------------


class Made(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a provider gave. `model` is its name for who did it."""

    id: str | None = None
    model: str | None = None
    counted: Counted | None = None


class Vectors(Made):
    """One for each input, in their order."""

    vectors: list[list[float]]


class Rank(msgspec.Struct, frozen=True):
    """A document, by its place among those that were sent, and how well it answers."""

    index: int
    score: float


class Ranks(Made):
    """The best first."""

    ranks: list[Rank]


class Drawn(Made):
    """Pictures; `revised` is the prompt that each was drawn from, where the model wrote it anew."""

    images: list[Media]
    revised: list[str | None] = []
    created: int | None = None


class Sound(Made):
    """Speech, whole."""

    data: bytes
    mime: str


class Segment(msgspec.Struct, frozen=True):
    """A piece of a transcript, in seconds."""

    text: str
    start: float
    end: float


class Transcript(Made):
    """Words; `duration` in seconds."""

    text: str
    language: str | None = None
    duration: float | None = None
    segments: list[Segment] = []


class Verdict(msgspec.Struct, frozen=True):
    """What is held against one input: each category by its name at the provider, with its score from 0 to 1."""

    flagged: bool
    categories: dict[str, bool]
    scores: dict[str, float]


class Verdicts(Made):
    """One for each input, in their order."""

    verdicts: list[Verdict]
