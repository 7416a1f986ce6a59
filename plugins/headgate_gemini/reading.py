"""Requests of clients: the five fields that every policy may look at, and the shapes behind them.

The rest is read by `parsing`, when somebody asks for it. The model and whether it streams stand in the path; a model in
the body has to be the same one, so that what a policy decided on is what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headgate.api import NotStrict, decode_strictly
from headgate.api.ai import Chat
from headgate_gemini import names, paths
from headgate_gemini.config import check
from headgate_gemini.parsing import parse

ROLES: Final = frozenset({"user", "model", "function", "system"})
# How a client wants its stream: no field of a body begins with a question mark.
ALT: Final = "?alt"


def read(data: bytes, path: str, query: Mapping[str, str]) -> Chat:
    """A body as a Chat. NotStrict."""
    model, method = paths.needed(path)
    body = names.BODY.read(_object(decode_strictly(data)), "")
    if method == "countTokens" and "generateContentRequest" in body:
        body = names.BODY.read(body["generateContentRequest"], "generateContentRequest")
    _same_model(body.get("model"), model)
    _contents(body.get("contents"))
    config = names.CONFIG.read(body.get("generationConfig") or {}, "generationConfig")
    check(config)
    stream = method == "streamGenerateContent"
    chat = Chat(
        model,
        stream,
        config.get("maxOutputTokens"),
        config.get("temperature"),
        config.get("topP"),
    )
    raw = {**body, "generationConfig": config} if config else body
    if stream and query.get("alt") != "sse":
        raw = {**raw, ALT: "json"}
    chat.came_as("gemini", data, raw, parse)
    return chat


def wants_array(chat: Chat) -> bool:
    """Whether the client reads its stream as one JSON array: it did not ask for `alt=sse`."""
    return chat.dialect == "gemini" and ALT in chat.raw()


def _object(value: object) -> object:
    if not isinstance(value, dict):
        raise NotStrict('The body has to be a JSON object: {"contents": […]}.')
    return value


def _same_model(named: object, model: str) -> None:
    if named is not None and (not isinstance(named, str) or named.removeprefix("models/") != model):
        raise NotStrict("`model` has to be the model that the path names, or be left out.", "model")


def _contents(contents: object) -> None:
    if not isinstance(contents, list) or not contents:
        raise NotStrict("`contents` has to be a list with at least one content.", "contents")
    for place, content in enumerate(contents):
        where = f"contents[{place}]"
        read = names.CONTENT.read(content, where)
        role = read.get("role")
        if role is not None and not (isinstance(role, str) and role in ROLES):
            raise NotStrict(f"`{where}.role` has to be `user` or `model`.", f"{where}.role")
        if not isinstance(read.get("parts", []), list):
            raise NotStrict(f"`{where}.parts` has to be a list.", f"{where}.parts")
