"""The most that one attempt can use, for whoever limits it (SEMANTICS §6.2).

1. A token of text is at least one byte, for every tokenizer in use, so a text of n bytes is at most n tokens. What frames a
   message or a tool costs some more; the table says how much is allowed for.
2. A picture, a sound or a file costs what the table says, however few bytes it takes to name it. What has no size that
   anybody here knows (a provider's file, an address of a document, a tool that the provider runs) has no bound.
3. No input is larger than the model's context window, where that is known.
4. Output is at most what was asked for, times the number of answers; where nothing was, the limit's `cap`, or the model's
   maximum; no answer is longer than the window.
"""

from __future__ import annotations

import base64
from typing import Final

import msgspec

from headgate.api import Bound, Money
from headgate.api.ai import (
    Audio,
    Chat,
    Content,
    Counted,
    File,
    Image,
    Media,
    Opaque,
    Reasoning,
    Refused,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
)
from headgate_ai.prices import Free, Prices

# For the words around a message, a tool, a chat. OpenAI says 3 to 4 a message; tools of Anthropic's take some 350 at first.
_PER_MESSAGE: Final = 16
_PER_TOOL: Final = 64
_PER_CHAT: Final = 600
# The largest picture, after the scaling that each provider does: gpt-4o-mini counts up to 48,169 tokens for one at high
# detail; https://platform.openai.com/docs/guides/images-vision. Others count far fewer.
_IMAGE: Final = 50_000
# Sound, at 8 kbit/s or more, at 100 tokens a second at most: https://platform.openai.com/docs/guides/audio counts 10, and
# https://ai.google.dev/gemini-api/docs/audio 32.
_AUDIO_BYTES_PER_TOKEN: Final = 10
# A page of a PDF takes at least some 2 KB, and is at most a picture and its text.
_PDF_BYTES_PER_TOKEN: Final = 1


class Unbounded(ValueError):
    """What has no bound, as half a sentence: "a provider's file has no known size"."""


def input_tokens(chat: Chat) -> int:
    """The most input tokens that a chat can be. Unbounded."""
    content = chat.content()
    if "previous_response_id" in content.extra:
        raise Unbounded("what went before it (`previous_response_id`) has no known size")
    total = _PER_CHAT + _tools(content)
    for message in content.messages:
        total += _PER_MESSAGE + sum(_part(part) for part in message.parts)
    if content.format is not None and content.format.schema is not None:
        total += _json(content.format.schema)
    return total


def _tools(content: Content) -> int:
    total = 0
    for tool in content.tools:
        if isinstance(tool, ServerTool) and tool.value.get("type") != "custom":
            raise Unbounded(f"the tool `{tool.value.get('type', '?')}` is run by the provider")
        total += _PER_TOOL + _json(tool)
    return total


def _json(value: object) -> int:
    return len(msgspec.json.encode(value))


def _part(part: object) -> int:
    match part:
        case Text(text=text) | Refused(text=text):
            return len(text.encode())
        case Reasoning(text=text, sealed=sealed, signature=signature):
            return len(text.encode()) + len(sealed or "") + len(signature or "")
        case ToolCall(name=name, arguments=arguments):
            return _PER_TOOL + len(name.encode()) + len(arguments.encode())
        case ToolResult(parts=parts):
            return _PER_MESSAGE + sum(_part(one) for one in parts)
        case Image(media=media):
            return _IMAGE if media.file is None else _unknown("a picture that is a provider's file")
        case Audio(media=media):
            return _sized(media, "a sound", _AUDIO_BYTES_PER_TOKEN)
        case File(media=media):
            return _sized(media, "a document", _PDF_BYTES_PER_TOKEN)
        case Opaque(value=value):
            return _unknown(f"`{value.get('type', 'a part')}`")
    raise AssertionError(f"no bound for {part!r}")


def _sized(media: Media, what: str, bytes_per_token: int) -> int:
    if media.data is None:
        return _unknown(f"{what} that is not in the request")
    return _IMAGE + len(base64.b64decode(media.data, validate=False)) // bytes_per_token


def _unknown(what: str) -> int:
    raise Unbounded(f"{what} has no known size")


def bound_of(
    chat: Chat, what: str, prices: Prices, *, context: int | None, most_output: int | None, cap: int | None
) -> Bound:
    """The bound of one attempt. `most_output` is the model's maximum, `cap` what a limit wants sent in its place."""
    if isinstance(prices, Free):
        # However much it is, it costs nothing; what it is in tokens, nobody here has to know.
        return Bound(what, cost=Money(0))
    try:
        asked = input_tokens(chat)
    except Unbounded as error:
        return Bound(what, unbounded=str(error))
    if context is not None:
        asked = min(asked, context)
    each = chat.max_tokens or cap or most_output or context
    if each is None:
        return Bound(what, unbounded="the request has no bound on the answer, and the model's maximum is not known")
    times = chat.content().n
    if times is None:
        times = 1
    if type(times) is not int or times < 1:
        return Bound(what, unbounded="the number of answers is no whole number above 0")
    answered = each * times
    cost = prices.most(Counted(input_tokens=asked, output_tokens=answered))
    why = None if cost is not None else f"the price of {what} is not known"
    return Bound(what, asked + answered, cost, why)
