"""The functions that the language itself brings, in policies and in tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec

from headgate.contracts.fakes import FakeChat, FakeFailure, FakeReply
from headgate.contracts.values import Secret
from headgate.language import types as t
from headgate.language.annotations import Duration, Json, Size, Status, Text
from headgate.language.vocabulary import FunctionSpec, function, read_function

LARGEST = 64 * 1024 * 1024


@function("secret")
def secret(name: Text, /) -> Secret:
    """A secret from the environment, by the name of its variable. It fits only parameters that take a secret."""
    return Secret(name, os.environ.get(name))


@function("problem")
def problem(detail: Text, /, *, title: Text = "") -> Json:
    """A problem document (RFC 9457) with this detail, for `respond … json=`."""
    return {"title": title, "detail": detail}


@function("lower")
def lower(text: Text, /) -> str:
    """The text in lower case."""
    return text.lower()


@function("upper")
def upper(text: Text, /) -> str:
    """The text in upper case."""
    return text.upper()


@function("trim")
def trim(text: Text, /) -> str:
    """The text without white space at its ends."""
    return text.strip()


@function("length")
def length(value: Any, /) -> int:
    """Characters of a text, bytes of bytes, items of a list or a map."""
    return len(value)


@function("contains")
def contains(text: Text, part: Text, /) -> bool:
    """Whether the text holds `part`, exactly as written."""
    return part in text


@function("starts_with")
def starts_with(text: Text, start: Text, /) -> bool:
    """Whether the text begins with `start`."""
    return text.startswith(start)


@function("ends_with")
def ends_with(text: Text, end: Text, /) -> bool:
    """Whether the text ends with `end`."""
    return text.endswith(end)


@function("bytes")
def bytes_of(size: Size, /) -> bytes:
    """So many bytes, for tests; 64MB at most."""
    if size > LARGEST:
        raise ValueError(f"{size} bytes are more than tests need")
    return b"x" * size


@function("reply")
def reply(
    status: Status = 200, /, *, json: Json = msgspec.UNSET, text: Text | None = None, header: dict[str, Text] | None = None,
    delay: Duration = 0.0,
) -> FakeReply:  # fmt: skip
    """In tests: what an upstream answers."""
    headers = dict(header or {})
    body = b""
    if json is not msgspec.UNSET:
        headers.setdefault("content-type", "application/json")
        body = msgspec.json.encode(json)
    elif text is not None:
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        body = text.encode()
    return FakeReply(status, body, headers, delay)


@function("chat_reply")
def chat_reply(text: Text, /, *, prompt_tokens: int = 0, completion_tokens: int = 0) -> FakeChat:
    """In tests: what a model says, in its provider's dialect."""
    return FakeChat(text, prompt_tokens, completion_tokens)


@function("chat_stream")
def chat_stream(
    pieces: list[Text], /, *, prompt_tokens: int = 0, completion_tokens: int = 0, dies_after: int | None = None
) -> FakeChat:
    """In tests: what a model says, piece by piece; with `dies_after=2` the stream breaks off behind two pieces."""
    return FakeChat("".join(pieces), prompt_tokens, completion_tokens, tuple(pieces), dies_after)


@function("fail")
def fail(kind: Text, /) -> FakeFailure:
    """In tests: the step, upstream or model fails with this kind, e.g. fail("upstream.timeout")."""
    return FakeFailure(kind)


def _observing(name: str, params: str, returns: t.Type, doc: str) -> FunctionSpec:
    from headgate.language.vocabulary import ParamSpec

    def only_in_tests(*_: object) -> Any:
        raise TypeError(f"`{name}` is for tests")

    return FunctionSpec(name, only_in_tests, doc, (ParamSpec(params, t.ANY, required=True),), returns, 1)


def kernel_functions() -> dict[str, FunctionSpec]:
    """Every function that needs no plugin, by name."""
    from headgate.language.check.scenarios import SENT

    declared: tuple[Callable[..., Any], ...] = (
        secret, problem, lower, upper, trim, length, contains, starts_with, ends_with, bytes_of, reply, chat_reply,
        chat_stream, fail,
    )  # fmt: skip
    observing = (
        _observing("sent", "upstream", SENT, "In tests: the last request that this upstream or model was sent."),
        _observing("calls", "upstream", t.INT, "In tests: how often this upstream or model was called."),
        _observing("called", "upstream", t.BOOL, "In tests: whether this upstream or model was called."),
        _observing("spent", "account", t.MONEY, "In tests: what this account has spent."),
        _observing("shadowed", "step", t.Optional(t.TEXT), "In tests: what a shadowed step would have decided."),
    )
    specs = [read_function(call, "headgate") for call in declared] + list(observing)
    return {spec.name: spec for spec in specs}
