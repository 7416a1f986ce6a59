"""The most that one job can use, for whoever limits it (SEMANTICS §6.2). See `headgate_ai.bounds` for the rules.

1. A token of text is at least one byte; so is a character. A list of tokens is as long as it is.
2. Sound whose bytes show a least bit rate is so many seconds at most (see `headgate_ai.sizes`); any other has no bound.
3. A search of Cohere's is a query with up to a hundred documents, and a document is cut into pieces of 500 tokens, the
   query among them: https://docs.cohere.com/docs/rerank-overview.
4. A picture has no bound in tokens but where its maker's page says one; by the piece, the price list has the price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.api import Bound
from headgate.api.ai import Counted, Drawing, Embedding, Job, Moderation, Rerank, Speech, Transcription, Upload, Wanted
from headgate_ai.sizes import PICTURE, SOUND_BYTES_PER_TOKEN, is_thick

if TYPE_CHECKING:
    from headgate_ai.models import Model

# What frames an input.
_EACH: Final = 16
_PER_JOB: Final = 64
_BYTES_PER_SECOND: Final = 1000
_DOCUMENTS_PER_SEARCH: Final = 100
_TOKENS_PER_PIECE: Final = 500
# The tokens of the largest picture of the best quality:
# https://platform.openai.com/docs/guides/image-generation#cost-and-latency, https://ai.google.dev/gemini-api/docs/pricing
_DRAWN: Final = (
    ("gpt-image-1", 6240),
    ("gpt-image-1-mini", 6240),
    ("gpt-image-1.5", 6240),
    ("gemini-2.5-flash-image", 1290),
)


def bound_of(job: Job, model: Model) -> Bound:
    """The bound of one try."""
    counted = _most(job.wants(), model)
    if counted is None:
        return Bound(model.label, unbounded=f"what {model.label} makes of it has no known size")
    cost = model.prices.most(counted)
    why = None if cost is not None else f"the price of {model.label} is not known"
    return Bound(model.label, counted.input_tokens + counted.output_tokens, cost, why, counted.output_tokens)


def _most(wants: Wanted, model: Model) -> Counted | None:
    match wants:
        case Embedding(inputs=inputs):
            return Counted(input_tokens=_PER_JOB + sum(_EACH + _size(one) for one in inputs))
        case Rerank(query=query, documents=documents):
            return _ranked(len(query.encode()), [len(one.encode()) for one in documents])
        case Moderation(inputs=inputs, images=images):
            return Counted(input_tokens=_PER_JOB + sum(map(_size, inputs)) + PICTURE * len(images))
        case Speech(text=text):
            size = _PER_JOB + _size(text) + _size(wants.instructions or "")
            sold = model.prices.unit == "character"
            return Counted(input_tokens=size, characters=len(text)) if sold else None
        case Transcription(file=file, prompt=prompt):
            return _heard(file, len((prompt or "").encode()), model)
        case Drawing():
            return _drawn(wants, model)
    return None


def _size(one: str | list[int]) -> int:
    return len(one.encode()) if isinstance(one, str) else len(one)


def _ranked(query: int, documents: list[int]) -> Counted:
    pieces = sum(max(1, -(-(query + one) // _TOKENS_PER_PIECE)) for one in documents)
    tokens = _PER_JOB + sum(_EACH + query + one for one in documents)
    return Counted(input_tokens=tokens, searches=max(1, -(-pieces // _DOCUMENTS_PER_SEARCH)))


def _heard(file: Upload, prompt: int, model: Model) -> Counted | None:
    size = len(file.data)
    if not is_thick(file.name, file.data):
        return None
    if model.prices.unit == "second":
        return Counted(input_tokens=_PER_JOB + prompt, seconds=-(-size // _BYTES_PER_SECOND))
    if model.most_output is None:
        return None
    sound = size // SOUND_BYTES_PER_TOKEN
    return Counted(
        input_tokens=_PER_JOB + prompt + sound, input_audio_tokens=sound, output_tokens=model.most_output
    )  # fmt: skip


def _drawn(wants: Drawing, model: Model) -> Counted | None:
    read = _PER_JOB + _size(wants.prompt) + PICTURE * (len(wants.images) + (wants.mask is not None))
    if model.prices.unit == "image":
        return Counted(input_tokens=read, images=wants.n, size=size_of(wants))
    tokens = next((most for name, most in _DRAWN if model.name.removesuffix("-latest") == name), None)
    if tokens is None:
        return None
    return Counted(input_tokens=read, output_tokens=tokens * wants.n, output_image_tokens=tokens * wants.n)


def size_of(wants: Drawing) -> str:
    """What a picture is priced by."""
    return f"{wants.size or '1024x1024'} {wants.quality or 'standard'}"
