"""Steps that have a model do something for the policy, and bind what it made: `ai.embed`, `ai.rerank`, and their like.

They answer nobody, so they are no hinge. Each is a try like any other: limited, paid for, among the attempts. Of several
models the next is asked when one fails.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from headgate.api import ClientFault, Duration, Exchange, Ge, Json, Text, UpstreamFault, step
from headgate.api.ai import (
    Drawing,
    Drawn,
    Embedding,
    Job,
    Made,
    Moderation,
    Ranks,
    Rerank,
    Sound,
    Speech,
    TaskIn,
    Transcript,
    Transcription,
    Upload,
    Vectors,
    Verdicts,
    Wanted,
)
from headgate_ai.asking import timeouts
from headgate_ai.choosing import as_list, first_that_can, fits
from headgate_ai.models import Model
from headgate_ai.tasks.answering import made_by
from headgate_ai.tasks.question import JobQuestion
from headgate_ai.tasks.reading import JOB

M = TypeVar("M", bound=Made)
_RAISES: Final = ("upstream.*", "ai.*")


class Embedded(msgspec.Struct, frozen=True):
    """What `ai.embed` binds: a vector for each text. `vector` is the first."""

    vectors: list[list[float]]

    @property
    def vector(self) -> list[float]:
        return self.vectors[0]


class Ranked(msgspec.Struct, frozen=True):
    """One document, by its place among those given, and how well it answers the query."""

    index: int
    score: float
    text: str


class Ranking(msgspec.Struct, frozen=True):
    """What `ai.rerank` binds: the best first."""

    results: list[Ranked]

    @property
    def texts(self) -> list[str]:
        """The documents alone."""
        return [one.text for one in self.results]


class Pictures(msgspec.Struct, frozen=True):
    """What `ai.image` binds: for each picture its address, or its bytes in base64; the other is absent."""

    images: list[dict[str, Any]]


class Spoken(msgspec.Struct, frozen=True):
    """What `ai.speech` binds: the sound, and its type (`audio/mpeg`)."""

    data: bytes
    type: str


class Heard(msgspec.Struct, frozen=True):
    """What `ai.transcribe` binds."""

    text: str
    language: str | None
    duration: float | None


class Judged(msgspec.Struct, frozen=True):
    """What `ai.moderate` binds: whether anything is held against any of the texts, and what."""

    flagged: bool
    categories: list[str]
    scores: dict[str, float]


@step("ai.embed", effect="upstream", raises=_RAISES, prepare=fits)
async def ai_embed(
    ctx: Exchange,
    model: Model | list[Model],
    /,
    *,
    input: Json,
    dimensions: Annotated[int, Ge(1)] | None = None,
    purpose: Literal["query", "document", "classification", "clustering", "similarity"] | None = None,
    timeout: Duration = 60.0,
) -> Embedded:
    """Have a model embed a text, or a list of texts: `ai.embed small input=chat.text as found`, then `found.vector`."""
    texts = [input] if isinstance(input, str) else input
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) and one for one in texts):
        raise ClientFault("request.invalid", "What is to be embedded is no text, and no list of texts.", status=400)
    wants = Embedding(inputs=list(texts), dimensions=dimensions, purpose=purpose)
    made = await _made(ctx, model, wants, Vectors, timeout)
    if len(made.vectors) != len(texts):
        raise UpstreamFault("upstream.protocol", f"There are {len(made.vectors)} embeddings for {len(texts)} texts.")
    return Embedded(made.vectors)


@step("ai.rerank", effect="upstream", raises=_RAISES, prepare=fits)
async def ai_rerank(
    ctx: Exchange,
    model: Model | list[Model],
    /,
    *,
    query: Text,
    documents: list[Text],
    top: Annotated[int, Ge(1)] | None = None,
    timeout: Duration = 60.0,
) -> Ranking:
    """Have a model rank texts by how well they answer a query; `top` of them, the best first."""
    if not documents:
        return Ranking([])
    made = await _made(ctx, model, Rerank(query=query, documents=documents, top=top), Ranks, timeout)
    return Ranking([Ranked(one.index, one.score, documents[one.index]) for one in made.ranks])


@step("ai.image", effect="upstream", raises=_RAISES, prepare=fits)
async def ai_image(
    ctx: Exchange,
    model: Model | list[Model],
    /,
    *,
    prompt: Text,
    n: Annotated[int, Ge(1)] = 1,
    size: Text | None = None,
    quality: Text | None = None,
    timeout: Duration = 120.0,
) -> Pictures:
    """Have a model draw."""
    made = await _made(ctx, model, Drawing(prompt=prompt, n=n, size=size, quality=quality), Drawn, timeout)
    return Pictures([{"url": one.url, "data": one.data} for one in made.images])


@step("ai.speech", effect="upstream", raises=_RAISES, prepare=fits)
async def ai_speech(
    ctx: Exchange,
    model: Model | list[Model],
    /,
    *,
    text: Text,
    voice: Text,
    format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3",
    timeout: Duration = 60.0,
) -> Spoken:
    """Have a model speak: `ai.speech tts text="Hello!" voice="alloy" as said`, then `respond 200 body=said.data`."""
    made = await _made(ctx, model, Speech(text=text, voice=voice, format=format), Sound, timeout)
    return Spoken(made.data, made.mime)


@step("ai.transcribe", effect="upstream", raises=_RAISES, prepare=fits)
async def ai_transcribe(
    ctx: Exchange,
    model: Model | list[Model],
    /,
    *,
    audio: bytes | None = None,
    name: Text = "audio.mp3",
    language: Text | None = None,
    timeout: Duration = 60.0,
) -> Heard:
    """Have a model write down what is said in `audio`; without it, in the recording that `read.task` has read.

    `name` is the file's: its end tells the model what kind of sound it is.
    """
    file = _recording(ctx) if audio is None else Upload(name, "application/octet-stream", audio)
    made = await _made(ctx, model, Transcription(file=file, language=language), Transcript, timeout)
    return Heard(made.text, made.language, made.duration)


@step("ai.moderate", effect="upstream", raises=_RAISES, prepare=fits)
async def ai_moderate(ctx: Exchange, model: Model | list[Model], /, *, input: Text, timeout: Duration = 30.0) -> Judged:
    """Have a model say whether a text breaks rules: `ai.moderate judge input=chat.text as found`, then
    `require not found.flagged`. `categories` are those that it finds broken, by the provider's names."""
    made = await _made(ctx, model, Moderation(inputs=[input]), Verdicts, timeout)
    names = sorted({name for one in made.verdicts for name, broken in one.categories.items() if broken})
    scores = made.verdicts[0].scores if made.verdicts else {}
    return Judged(any(one.flagged for one in made.verdicts), names, dict(scores))


async def _made(ctx: Exchange, model: Model | list[Model], wants: Wanted, kind: type[M], timeout: float) -> M:
    question = JobQuestion(ctx, Job.of("", wants), timeouts(timeout, timeout, timeout))
    made = await first_that_can(as_list(model), partial(made_by, question))
    assert isinstance(made, kind)
    return made


def _recording(ctx: Exchange) -> Upload:
    kept: tuple[Job, TaskIn] | None = ctx.recall(JOB)
    wants = kept[0].wants() if kept is not None else None
    if not isinstance(wants, Transcription):
        raise ClientFault("request.invalid", "The request holds no recording.", status=400)
    return wants.file
