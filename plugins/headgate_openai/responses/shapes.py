"""Parts and turns of this dialect: each knows the item that it came from, for what has no place in the shared form.

Other dialects see the plain part, and lose nothing by it: an item's own id and status mean nothing to them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import Image, Media, Message, Reasoning, ToolCall, ToolResult

NAME: Final = "openai-responses"

# What another dialect's proof of a thought is called while a client of this one carries it.
# OpenAI's own reasoning items have ids that begin so; what another provider thought has an id of ours.
OWN_THOUGHT: Final = "rs_"
FOREIGN_THOUGHT: Final = "th_"


class Head(msgspec.Struct):
    """A message item without its content: how many parts it has, and its other fields. `plain`: it was only a text."""

    size: int
    fields: dict[str, Any] = {}
    plain: bool = False


class Turn(Message):
    """One turn. What a model said in several items, one behind the other, is one turn."""

    heads: list[Head] = msgspec.field(default_factory=list)


class Instructions(Message):
    """The field `instructions`, which stands before all input and is not carried on to the next response."""


class Thought(Reasoning):
    """A reasoning item, or what can be read of it."""

    item: dict[str, Any] = msgspec.field(default_factory=dict)


class Called(ToolCall):
    """A `function_call`."""

    item: dict[str, Any] = msgspec.field(default_factory=dict)


class Given(ToolResult):
    """A `function_call_output`."""

    item: dict[str, Any] = msgspec.field(default_factory=dict)


class Picture(Image):
    """An `image_generation_call`: a picture that a model made."""

    item: dict[str, Any] = msgspec.field(default_factory=dict)


# --- fields ----------------------------------------------------------------------------------------------------------


def text_of(value: Any, where: str) -> str:
    """NotStrict where it is no text."""
    if not isinstance(value, str):
        raise NotStrict(f"`{where}` has to be a text.", where)
    return value


def rest(value: dict[str, Any], *known: str) -> dict[str, Any]:
    """The fields that nobody here knows."""
    return {name: field for name, field in value.items() if name not in known}


def media(url: Any, where: str) -> Media:
    """An address, or the data itself as a `data:` URL (RFC 2397). NotStrict."""
    text = text_of(url, where)
    if not text.startswith("data:"):
        return Media(url=text)
    head, comma, data = text[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        raise NotStrict(f"`{where}` has to be a URL, or data:TYPE;base64,DATA.", where)
    return Media(mime=head[:-7] or None, data=data)


def url_of(media: Media) -> str:
    """The other way round."""
    if media.url is not None:
        return media.url
    return f"data:{media.mime or 'application/octet-stream'};base64,{media.data}"
