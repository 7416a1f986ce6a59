"""What a chat asks for that its model does not have. Pure.

1. Only what is known not to be there is held against a model; what is not known may be there, and the provider will say.
2. A document that is text is text: every model reads it, and its dialect sees to that.
3. A body in which no word stands that could ask for any of this is not read for it: most are small talk, and pass as bytes.
4. Audio to be spoken is asked for by `modalities`; images that the model should make, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from headgate.api.ai import AnyPart, Audio, Chat, Content, File, Image, ToolResult


class Lacking(NamedTuple):
    """What is missing, as a sentence, and the place in the chat that wants it."""

    message: str
    where: str


class Able(Protocol):
    """What is known of a model: see `catalog.Entry`."""

    @property
    def inputs(self) -> frozenset[str] | None: ...

    @property
    def outputs(self) -> frozenset[str] | None: ...

    @property
    def abilities(self) -> Mapping[str, bool]: ...


_READS: Final = {"image": "It reads no images.", "audio": "It hears no audio.", "file": "It reads no documents."}
_WRITES: Final = {"audio": "It does not speak.", "image": "It makes no images."}


# One of these stands in whatever asks for more than text, in every dialect.
_WORDS: Final = (
    b"image", b"audio", b"file", b"document", b"Data", b"_data", b"tool", b"function", b"chema", b"reasoning", b"hinking",
    b"odalities",
)  # fmt: skip


def lacking(chat: Chat, model: Able) -> Lacking | None:
    """The first thing that a chat asks for and the model is known not to have; None where there is none."""
    if _asks_nothing(chat):
        return None
    content = chat.content()
    return _unread(content, model.inputs) or _unwritten(content, model.outputs) or _unable(content, model.abilities)


def judges(model: Able) -> bool:
    """Whether there is anything to hold against a chat: a model of which nothing is known can be asked anything."""
    some = model.inputs is not None and not _READS.keys() <= model.inputs
    return some or model.outputs is not None or not all(model.abilities.values())


def _asks_nothing(chat: Chat) -> bool:
    if not chat.dialect or chat.content_changed():
        return False
    body = chat.original()
    return not any(word in body for word in _WORDS)


def _unread(content: Content, inputs: frozenset[str] | None) -> Lacking | None:
    if inputs is None:
        return None
    for place, message in enumerate(content.messages):
        for kind in _kinds(message.parts):
            if kind not in inputs:
                return Lacking(_READS[kind], f"messages[{place}].content")
    return None


def _kinds(parts: Iterable[AnyPart]) -> Iterable[str]:
    """What has to be read beside text."""
    for part in parts:
        match part:
            case Image():
                yield "image"
            case Audio():
                yield "audio"
            case File(media=media) if not (media.mime or "").startswith("text/"):
                yield "file"
            case ToolResult(parts=inside):
                yield from _kinds(inside)


def _unwritten(content: Content, outputs: frozenset[str] | None) -> Lacking | None:
    if outputs is None:
        return None
    wanted = [one for one in content.modalities or () if one in _WRITES and one not in outputs]
    return Lacking(_WRITES[wanted[0]], "modalities") if wanted else None


def _unable(content: Content, abilities: Mapping[str, bool]) -> Lacking | None:
    def cannot(name: str) -> bool:
        return abilities.get(name) is False

    if content.tools and cannot("tools"):
        return Lacking("It calls no tools.", "tools")
    if content.format is not None and content.format.kind == "schema" and cannot("schema"):
        return Lacking("Its answers follow no schema.", "response_format")
    thinking = content.thinking
    asked = thinking is not None and (thinking.effort not in (None, "none") or bool(thinking.budget_tokens))
    if asked and cannot("reasoning"):
        return Lacking("It does not reason.", "reasoning_effort")
    return None
