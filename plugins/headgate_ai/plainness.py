"""Chats that are words, and settings of the kind that every model takes: most are.

1. Such a chat refers to nothing that a provider holds, names no other model, and asks for nothing that a model could lack.
   So whoever looks for any of these need not look at all.
2. What is not known to be plain is not plain: a new field of some API is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from headgate.api.ai import Chat

# Settings of any dialect, where they are a text, a number or a switch.
_SETTINGS: Final = frozenset(
    {
        "model", "stream", "max_tokens", "max_completion_tokens", "max_output_tokens", "temperature", "top_p", "top_k", "n",
        "stop", "seed", "random_seed", "presence_penalty", "frequency_penalty", "user", "store", "system", "instructions",
        "input",
    }
)  # fmt: skip
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_TEXTS: Final = frozenset({"role", "content"})


def is_plain(chat: Chat) -> bool:
    """Whether this is one, as the client sent it; one that a line wrote into, or that was made here, is not."""
    if not chat.dialect or chat.content_changed():
        return False
    for name, value in chat.raw().items():
        if name == "messages":
            if not _are_words(value):
                return False
        elif name == "stream_options":
            if type(value) is not dict or not value.keys() <= {"include_usage"} or not _are_scalars(value.values()):
                return False
        elif name not in _SETTINGS or type(value) not in _SCALARS:
            return False
    return True


def _are_words(messages: Any) -> bool:
    if type(messages) is not list:
        return False
    for one in messages:
        if type(one) is not dict or one.keys() != _TEXTS or not type(one["content"]) is type(one["role"]) is str:
            return False
    return True


def _are_scalars(values: Iterable[Any]) -> bool:
    return all(type(one) in _SCALARS for one in values)
