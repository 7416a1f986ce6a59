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


class _Call(msgspec.Struct):
    """Of an item, what kind of a call it is, and what it did."""

    type: str = ""
    action: dict[str, Any] | None = None


_answers = msgspec.json.Decoder(_Answer)
_calls = msgspec.json.Decoder(_Call)


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
    if answer.usage is None:
        return None
    # Nearly every answer has no search in it, and then none of its items is read.
    calls = [_call(item) for item in answer.output if b"_search_call" in bytes(item)]
    return with_searches(answer.usage.counted(), calls)


def _call(item: msgspec.Raw) -> _Call:
    try:
        return _calls.decode(item)
    except msgspec.ValidationError:
        return _Call()


def used(response: dict[str, Any]) -> Counted | None:
    """What a response used that has come as a whole at the end of a stream; None where it says nothing that can be read."""
    try:
        usage = msgspec.convert(response.get("usage"), WireUsage | None)
        calls = msgspec.convert(response.get("output") or [], list[_Call])
    except msgspec.ValidationError:
        return None
    return None if usage is None else with_searches(usage.counted(), calls)


def with_searches(counted: Counted, calls: list[_Call]) -> Counted:
    """With the searches that are billed apart: https://platform.openai.com/docs/pricing#built-in-tools. To open a page that
    was found is none."""
    web = sum(one.type == "web_search_call" and (one.action or {}).get("type", "search") == "search" for one in calls)
    kept = sum(one.type == "file_search_call" for one in calls)
    return msgspec.structs.replace(counted, web_searches=web, file_searches=kept) if web or kept else counted


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
