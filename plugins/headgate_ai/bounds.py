"""The most that one attempt can use, for whoever limits it (SEMANTICS §6.2).

1. A token of text is at least one byte, for every tokenizer in use, so a text of n bytes is at most n tokens; some read a
   text in Unicode's form NFC, which may have more bytes. What frames a message or a tool costs some more; the table says how much is allowed for. Fields that nobody here knows are read as
   the text that they may be.
2. A picture, a sound or a file costs what `sizes` says, however few bytes it takes to name it. What has no size that
   anybody here knows (a provider's file, an address of a document, a tool that the provider runs) has no bound, and neither
   has a chat with a field that may raise its bill (see `raising`).
3. No input is larger than the model's context window, where that is known; but pictures may be billed beside it.
4. Output is at most what was asked for, times the number of answers; where nothing was, the limit's `cap`, or the model's
   maximum; no answer is longer than the window.
"""

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple

import msgspec

from headgate.api import Bound, Money
from headgate.api.ai import (
    Audio,
    Chat,
    Content,
    Counted,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refused,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
)
from headgate_ai.prices import Free, Prices
from headgate_ai.raising import Wire, raising
from headgate_ai.sizes import document, picture, sound

# For the words around a message, a tool, a chat. OpenAI says 3 to 4 a message; tools of Anthropic's take some 350 at first.
_PER_MESSAGE: Final = 16
_PER_TOOL: Final = 64
_PER_CHAT: Final = 600


class Unbounded(ValueError):
    """What has no bound, as half a sentence: "a provider's file has no known size"."""


class Limits(NamedTuple):
    """What is known of a model: its window, its longest answer (`output`), whether it answers with `words` alone,
    whether it `thinks_beside` the bound on the answer, and whether its provider reads as whatever it is what a client
    calls a picture (`any_media`, which its dialect says)."""

    context: int | None
    output: int | None
    words: bool = True
    thinks_beside: bool = False
    any_media: bool = False


class Size(NamedTuple):
    """Tokens of input, at most: those that have to fit into the window, and those of pictures."""

    read: int = 0
    pictures: int = 0

    def plus(self, other: Size) -> Size:
        return Size(self.read + other.read, self.pictures + other.pictures)

    def within(self, window: int | None) -> int:
        """All of it, where the model reads no more than that."""
        return self.pictures + (self.read if window is None else min(self.read, window))


def input_tokens(chat: Chat, limits: Limits) -> int:
    """The most input tokens that a chat can be, for such a model. Unbounded."""
    content = chat.content()
    if "previous_response_id" in content.extra:
        raise Unbounded("what went before it (`previous_response_id`) has no known size")
    size = Size(_PER_CHAT + _tools(content) + _extra(content.extra))
    for message in content.messages:
        size = size.plus(_message(message, limits))
    if content.format is not None and content.format.schema is not None:
        size = size.plus(Size(_json(content.format)))
    return size.within(limits.context)


def _tools(content: Content) -> int:
    total = 0
    for tool in content.tools:
        if isinstance(tool, ServerTool) and not _is_called_by_the_client(tool):
            named = tool.value.get("type") or next(iter(tool.value), "?")
            raise Unbounded(f"the tool `{named}` is run by the provider")
        total += _PER_TOOL + _json(tool)
    return total


def _is_called_by_the_client(tool: ServerTool) -> bool:
    """OpenAI's tools that take a text: https://platform.openai.com/docs/guides/function-calling#custom-tools. In other
    dialects the name of a tool's kind is its key, and `type` could say anything."""
    return tool.dialect in ("openai", "openai-responses") and tool.value.get("type") == "custom"


def _json(value: object) -> int:
    return text_bytes(msgspec.json.encode(value).decode())


def text_bytes(text: str) -> int:
    """The bytes of a text in UTF-8, as it is or in NFC, whichever are more (rule 1)."""
    if text.isascii():
        return len(text)
    return max(len(text.encode()), len(unicodedata.normalize("NFC", text).encode()))


def _extra(value: object) -> int:
    """Fields of one dialect alone, or nothing."""
    return _json(value) if value else 0


def _message(message: Message, limits: Limits) -> Size:
    size = Size(_PER_MESSAGE + _extra(message.name) + _extra(message.extra))
    for part in message.parts:
        size = size.plus(_part(part, limits)).plus(Size(_extra(part.extra)))
    return size


def _part(part: object, limits: Limits) -> Size:
    window = limits.context
    match part:
        case Text(text=text, citations=citations):
            return Size(text_bytes(text) + _extra(citations))
        case Refused(text=text):
            return Size(text_bytes(text))
        case Reasoning():
            return Size(_json(part))
        case ToolCall():
            return Size(_PER_TOOL + _json(part))
        case ToolResult():
            return _result(part, limits)
        case Image(media=media):
            return _picture(part, limits) if media.file is None else _unknown("a picture that is a provider's file")
        case Audio(media=media):
            return _read(sound(part), window, "a sound") if media.data is not None else _elsewhere("a sound")
        case File(media=media):
            return _file(part, window) if media.data is not None else _elsewhere("a document")
        case Opaque(value=value):
            return _unknown(f"`{value.get('type', 'a part')}`")
    raise AssertionError(f"no bound for {part!r}")


def _result(result: ToolResult, limits: Limits) -> Size:
    size = Size(_PER_MESSAGE + _json(result.id) + _extra(result.name))
    for part in result.parts:
        size = size.plus(_part(part, limits)).plus(Size(_extra(part.extra)))
    return size


def _picture(image: Image, limits: Limits) -> Size:
    tokens = picture(image, any_media=limits.any_media)
    return Size(pictures=tokens) if tokens is not None else _read(None, limits.context, "what may be no picture")


def _file(file: File, window: int | None) -> Size:
    said = sum(_extra(text) for text in (file.title, file.context, file.media.name))
    return Size(said).plus(_read(document(file), window, "a document"))


def _read(tokens: int | None, window: int | None, what: str) -> Size:
    """So many tokens; where nobody can say, as many as the model reads at all."""
    if tokens is None and window is None:
        raise Unbounded(f"{what} may be of any length, and the model's window is not known")
    return Size((window or 0) if tokens is None else tokens)


def _elsewhere(what: str) -> Size:
    return _unknown(f"{what} that is not in the request")


def _unknown(what: str) -> Size:
    raise Unbounded(f"{what} has no known size")


def bound_of(chat: Chat, what: str, prices: Prices, limits: Limits, wire: Wire, cap: int | None = None) -> Bound:
    """The bound of one attempt. `cap` is what a limit wants sent where the client gave no bound on the answer."""
    free = isinstance(prices, Free)
    try:
        if not free:
            _refuse_raising(chat.content(), limits, wire)
        asked, answered = input_tokens(chat, limits), _answered(chat, limits, cap)
    except Unbounded as error:
        # What costs nothing has a bound on its cost, however many tokens it is.
        return Bound(what, cost=Money(0)) if free else Bound(what, unbounded=str(error))
    cost = prices.most(Counted(input_tokens=asked, output_tokens=answered))
    why = None if cost is not None else f"the price of {what} is not known"
    return Bound(what, asked + answered, cost, why, answered)


def _answered(chat: Chat, limits: Limits, cap: int | None) -> int:
    each = chat.max_tokens or cap or limits.output or limits.context
    if each is None:
        raise Unbounded("the request has no bound on the answer, and the model's maximum is not known")
    thoughts = _thoughts(chat.content(), limits)
    if thoughts is None:
        raise Unbounded("the request has no bound on what the model thinks")
    return (each + thoughts) * (chat.content().n or 1)


def _thoughts(content: Content, limits: Limits) -> int | None:
    """What it can think beside the answer; None where nobody can say."""
    thinking = content.thinking
    if not limits.thinks_beside or (thinking is not None and thinking.effort == "none"):
        return 0
    budget = thinking.budget_tokens if thinking is not None else None
    return budget or limits.output or limits.context


def _refuse_raising(content: Content, limits: Limits, wire: Wire) -> None:
    """Unbounded where something may raise the bill beyond its tokens."""
    name = raising(content, wire)
    if name is not None:
        raise Unbounded(
            f"nobody here knows how much `{name}` adds to it; leave it out, or let the policy allow it: "
            "`assume=` says what to set aside for such calls"
        )
    if not limits.words and content.modalities != ["text"]:
        raise Unbounded("a picture or a sound that it makes is no part of the bound on the answer")
