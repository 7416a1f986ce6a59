"""OpenAI's chat completions, as clients speak them and as providers do.

Written from the API reference (https://platform.openai.com/docs/api-reference/chat) and from what its own client raises.
What others add to it and most clients understand is taken too: `reasoning_content` (DeepSeek, vLLM) and
`reasoning_details` (OpenRouter), which carry what a model thought, and the proof of it, through a client and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headgate.api import FakeChat, Line, Response
from headgate.api.ai import (
    Answer,
    Chat,
    Counted,
    EventReader,
    EventWriter,
    Passing,
    Refusal,
    Written,
    sound_answer,
    sound_count,
    sound_refusal,
)
from headgate_openai.chat.abilities import ABILITIES, LACKS
from headgate_openai.chat.answers import answer
from headgate_openai.chat.counting import count, refusal
from headgate_openai.chat.errors import broken_off, error
from headgate_openai.chat.faking import render
from headgate_openai.chat.passing import OpenAiPassing
from headgate_openai.chat.reader import ChunkReader
from headgate_openai.chat.requests import read, write
from headgate_openai.chat.telling import render_answer
from headgate_openai.chat.writer import ChunkWriter

NAME = "openai"


class OpenAiChat:
    """How clients of OpenAI speak."""

    name = NAME
    lacks: Mapping[str, str] = LACKS

    def sample(self) -> object:
        return {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello!"}]}

    def stream_type(self, chat: Chat) -> bytes:
        return b"text/event-stream"

    def answers(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        return error(status, message, kind, record)

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        return read(data)

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        return render_answer(answer, chat, at)

    def writer(self, chat: Chat, at: float) -> EventWriter:
        return ChunkWriter(chat, at)

    def broken_off(self, message: str, kind: str) -> bytes:
        return broken_off(message, kind)


class OpenAiChatOut:
    """How OpenAI, and whoever is compatible with it, is spoken to.

    A provider's row may say: `path`, `counts_streams` (it takes `stream_options`), `bound` (the name of its bound on the
    answer), `developer` (it knows that role), `reasoning` (the field in which it wants earlier thoughts back), `drops`
    (fields that it refuses).
    """

    name = NAME
    abilities: Mapping[str, str] = ABILITIES

    write = staticmethod(write)

    def answer(self, data: bytes) -> Answer:
        return sound_answer(answer, data)

    def count(self, data: bytes) -> Counted | None:
        return sound_count(count, data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        return sound_refusal(refusal, data)

    def reader(self) -> EventReader:
        return ChunkReader()

    def passing(self, *, hides_counts: bool, choices: int = 1) -> Passing:
        return OpenAiPassing(hides_counts=hides_counts, choices=choices)

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        return render(fake, request.body, at)
