"""What a message is made of.

Parts are mutable: a guard that redacts writes into `text`. Each has `extra`, the fields that only the dialect it came
from knows. Equality is by value.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Media(msgspec.Struct, omit_defaults=True):
    """Bytes that stand elsewhere or inside: exactly one of `url`, `data` (base64, as it came) and `file` (a provider's id).

    `mime` is the media type where it is known; `name` a file's name for people.
    """

    mime: str | None = None
    url: str | None = None
    data: str | None = None
    file: str | None = None
    name: str | None = None


class Citation(msgspec.Struct, omit_defaults=True):
    """Where a text comes from. `text` is what is cited, `start` and `end` are characters of the answer's text that it
    supports, or None where the dialect ties a citation to a whole part."""

    text: str | None = None
    title: str | None = None
    url: str | None = None
    document: str | None = None
    start: int | None = None
    end: int | None = None
    extra: dict[str, Any] = {}


class Part(msgspec.Struct, tag_field="kind", omit_defaults=True, kw_only=True):
    """One piece of a message. `extra` belongs to the dialect that the conversation came in."""

    extra: dict[str, Any] = {}


class Text(Part, tag="text"):
    """Words, of either side."""

    text: str
    citations: list[Citation] = []


class Image(Part, tag="image"):
    """A picture. `detail` is OpenAI's `low`, `high` or `auto`."""

    media: Media
    detail: str | None = None


class Audio(Part, tag="audio"):
    """Sound. `format` is its short name (`wav`, `mp3`); an answer may have a `transcript` and an `id` to refer to."""

    media: Media
    format: str | None = None
    transcript: str | None = None
    id: str | None = None
    expires_at: int | None = None


class File(Part, tag="file"):
    """A document to read: PDF, or a text whose `media.mime` is text/plain. `cited`: the answer should cite it."""

    media: Media
    title: str | None = None
    context: str | None = None
    cited: bool = False


class ToolCall(Part, tag="tool_call"):
    """The model wants a tool to be called. `arguments` is a JSON text, exactly as the model wrote it."""

    id: str
    name: str
    arguments: str = ""


class ToolResult(Part, tag="tool_result"):
    """What a tool gave for the call with this id. `name` is the tool's where the dialect says it."""

    id: str
    parts: list[Text | Image | Audio | File | Opaque] = []
    name: str | None = None
    failed: bool = False


class Reasoning(Part, tag="reasoning"):
    """What the model thought. `signature` proves it to the provider that made it; `sealed` is thought that only that
    provider can read. `summary`: the text is a summary. Either must go back to its provider unchanged, and to no other:
    `maker` is the dialect of who made them, where it is known."""

    text: str = ""
    signature: str | None = None
    sealed: str | None = None
    id: str | None = None
    summary: bool = False
    maker: str | None = None


class Refused(Part, tag="refusal"):
    """The model declined, in its own words."""

    text: str


class Opaque(Part, tag="opaque"):
    """What only one dialect has: the value as it came, and that dialect's name."""

    dialect: str
    value: dict[str, Any]
