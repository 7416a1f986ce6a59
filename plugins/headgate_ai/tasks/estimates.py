"""What a job used where its provider does not say.

Characters, pieces and sizes are known exactly; tokens are guessed from the size of the texts, and then it is said so.
"""

from __future__ import annotations

from headgate.api.ai import Counted, Drawing, Job, Speech, Transcription, tokens_in
from headgate_ai.prices import Prices
from headgate_ai.tasks.bounds import size_of


def used(job: Job, prices: Prices, counted: Counted | None) -> Counted:
    """What the provider said, or a guess; and what it is priced by besides, which is known here."""
    wants = job.wants()
    base = counted if counted is not None and counted.plausible else _guessed(job)
    match wants:
        case Speech(text=text) if prices.unit == "character":
            return _with(base, characters=len(text), estimated=False)
        case Drawing(n=n) if prices.unit == "image":
            return _with(base, images=base.images or n, size=size_of(wants), estimated=False)
    return base


def _guessed(job: Job) -> Counted:
    wants = job.wants()
    size = sum(len(text.encode()) for text in wants.texts)
    if isinstance(wants, Transcription):
        # Its sound has no size that anybody here can read.
        return Counted(input_tokens=tokens_in(size), estimated=True)
    tokens = sum(len(one) for one in getattr(wants, "inputs", ()) if isinstance(one, list))
    return Counted(input_tokens=tokens_in(size) + tokens, estimated=True)


def _with(counted: Counted, *, estimated: bool, characters: int = 0, images: int = 0, size: str = "") -> Counted:
    return Counted(
        input_tokens=counted.input_tokens, output_tokens=counted.output_tokens, characters=characters, images=images,
        size=size, estimated=estimated,
    )  # fmt: skip
