"""What a provider answers: counts out of whole answers, and what went wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from headgate.api.ai import Counted, Garbled


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`usage`; those who are compatible leave parts of it out, or null."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None

    def counted(self) -> Counted:
        given, made = self.input_tokens_details or InputDetails(), self.output_tokens_details or OutputDetails()
        return Counted(
            input_tokens=self.input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            cached_tokens=given.cached_tokens or 0,
            cache_write_tokens=given.cache_write_tokens or 0,
            reasoning_tokens=made.reasoning_tokens or 0,
        )


class WireError(msgspec.Struct):
    """`error` of a response that failed."""

    message: str = ""
    code: str | None = None


class _Answer(msgspec.Struct):
    """The part of an answer that is looked at; the rest is passed on unseen."""

    output: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None
    status: str | None = None
    error: WireError | None = None


_answers = msgspec.json.Decoder(_Answer)


def count(data: bytes) -> Counted | None:
    """What a whole answer used. Garbled where it is no response, or says that it failed."""
    try:
        answer = _answers.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled("with what is no response in JSON" if data else "with an empty body") from None
    if answer.status == "failed":
        raise Garbled(f"that it failed: {answer.error.message if answer.error else 'it does not say why'}")
    if answer.output is None:
        raise Garbled("with JSON that is no response: it has no `output`")
    return answer.usage.counted() if answer.usage is not None else None


def render_usage(counted: Counted) -> dict[str, Any]:
    """Counts, as this dialect gives them."""
    return {
        "input_tokens": counted.input_tokens,
        "input_tokens_details": {
            "cached_tokens": counted.cached_tokens, "cache_write_tokens": counted.cache_write_tokens,
        },
        "output_tokens": counted.output_tokens,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
        "total_tokens": counted.input_tokens + counted.output_tokens,
    }  # fmt: skip
