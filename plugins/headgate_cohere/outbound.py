"""How Cohere is spoken to: https://docs.cohere.com/reference/chat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headgate.api import FakeChat, Line, Response
from headgate.api.ai import (
    Answer,
    Chat,
    Counted,
    Endpoint,
    EventReader,
    Passing,
    Refusal,
    Written,
    sound_answer,
    sound_count,
    sound_refusal,
)
from headgate_cohere import answers, errors, faking, writing
from headgate_cohere.abilities import ABILITIES
from headgate_cohere.facts import NAME
from headgate_cohere.passing import ChatPassing
from headgate_cohere.reader import ChatReader


class CohereOut:
    """Providers. Their URL ends in `/v2`; a row may say `path`, which stands between it and `/chat`."""

    name = NAME
    abilities: Mapping[str, str] = ABILITIES

    def write(self, chat: Chat, to: Endpoint) -> Written:
        return writing.write(chat, to)

    def answer(self, data: bytes) -> Answer:
        return sound_answer(answers.answer, data)

    def count(self, data: bytes) -> Counted | None:
        return sound_count(answers.count, data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        return sound_refusal(errors.refusal, data)

    def reader(self) -> EventReader:
        return ChatReader()

    def passing(self, *, hides_counts: bool, choices: int = 1) -> Passing:
        return ChatPassing()

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        return faking.render(fake, request, at)
