"""Documents that stand elsewhere, which Mistral reads and the dialect below has no place for.

They go through it as pictures that are marked, and become documents again behind it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from headgate.api.ai import AnyPart, Chat, File, Image, Message

MARK: Final = "headgate.document:"


def with_documents(chat: Chat, below: str) -> Chat:
    """The same chat where it holds no such document, or came in the dialect below; else one that goes through."""
    if chat.dialect == below or not any(_elsewhere(part) for message in chat.messages for part in message.parts):
        return chat
    content = msgspec.structs.replace(chat.content(), messages=[_marked(message) for message in chat.messages])
    return Chat.made(
        chat.model,
        content,
        stream=chat.stream,
        max_tokens=chat.max_tokens,
        temperature=chat.temperature,
        top_p=chat.top_p,
    )


def _elsewhere(part: AnyPart) -> bool:
    return isinstance(part, File) and part.media.url is not None


def _marked(message: Message) -> Message:
    parts: list[AnyPart] = [
        Image(media=part.media, detail=MARK + (part.media.name or part.title or ""))
        if isinstance(part, File) and _elsewhere(part)
        else part
        for part in message.parts
    ]
    return msgspec.structs.replace(message, parts=parts)
