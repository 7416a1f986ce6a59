"""OpenAI's Responses, as clients speak them and as OpenAI does.

Written from the API reference (https://platform.openai.com/docs/api-reference/responses) and from the types of its client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headgate.api import ClientFault, Exchange, FakeChat, Line, Response
from headgate.api.ai import (
    Answer,
    Chat,
    Counted,
    Endpoint,
    EventReader,
    EventWriter,
    Keeping,
    Passing,
    Refusal,
    Written,
    sound_answer,
    sound_count,
    sound_refusal,
)
from headgate_openai.chat.counting import refusal
from headgate_openai.chat.errors import error
from headgate_openai.responses.abilities import ABILITIES, LACKS
from headgate_openai.responses.answers import answer
from headgate_openai.responses.building import build
from headgate_openai.responses.counting import count
from headgate_openai.responses.faking import render
from headgate_openai.responses.keeping import claim, claimed, forget, keeping, kept, recalled, unknown
from headgate_openai.responses.passing import ResponsePassing
from headgate_openai.responses.reader import ResponseReader
from headgate_openai.responses.requests import read, write
from headgate_openai.responses.shapes import NAME
from headgate_openai.responses.writer import ResponseWriter, broken_off


class OpenAiResponses:
    """How clients of the Responses speak."""

    name = NAME
    lacks: Mapping[str, str] = LACKS

    def sample(self) -> object:
        return {"model": "gpt-4.1-mini", "input": "Hello!"}

    def stream_type(self, chat: Chat) -> bytes:
        return b"text/event-stream"

    def answers(self, path: str) -> bool:
        return path.endswith("/responses")

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return error(status, message, kind, record)

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        return read(data)

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        return msgspec.json.encode(build(answer, chat, at))

    def writer(self, chat: Chat, at: float) -> EventWriter:
        return ResponseWriter(chat, at)

    def broken_off(self, message: str, kind: str) -> bytes:
        return broken_off(message, kind)

    # --- see `Remembers` -----------------------------------------------------------------------------------------------

    async def recalled(self, chat: Chat, ctx: Exchange, owner: str) -> Chat:
        return await recalled(chat, ctx, owner)

    def unknown(self, chat: Chat) -> ClientFault | None:
        return unknown(chat)

    def keeping(self, chat: Chat, ctx: Exchange, owner: str) -> Keeping | None:
        return keeping(chat, ctx, owner)

    async def claim(self, ident: str, ctx: Exchange, owner: str, account: str) -> None:
        await claim(ident, ctx, owner, account)

    async def claimed(self, ident: str, ctx: Exchange, owner: str) -> str | None:
        return await claimed(ident, ctx, owner)

    async def kept(self, ident: str, ctx: Exchange, owner: str) -> bytes | None:
        return await kept(ident, ctx, owner)

    async def forget(self, ident: str, ctx: Exchange, owner: str) -> bool:
        return await forget(ident, ctx, owner)


class OpenAiResponsesOut:
    """How OpenAI is spoken to by Responses. A provider's row may say `path`, and `drops` (fields that it refuses)."""

    name = NAME
    abilities: Mapping[str, str] = ABILITIES

    def write(self, chat: Chat, to: Endpoint) -> Written:
        return write(chat, to)

    def answer(self, data: bytes) -> Answer:
        return sound_answer(answer, data)

    def count(self, data: bytes) -> Counted | None:
        return sound_count(count, data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        return sound_refusal(refusal, data)

    def reader(self) -> EventReader:
        return ResponseReader()

    def passing(self, *, hides_counts: bool, choices: int = 1) -> Passing:
        return ResponsePassing()

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        return render(fake, request.body, at)
