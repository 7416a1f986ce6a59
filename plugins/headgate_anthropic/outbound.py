"""How Anthropic is spoken to, and whoever speaks its API: https://platform.claude.com/docs/en/api/messages."""

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
from headgate_anthropic import answers, errors, faking, writing
from headgate_anthropic.abilities import ABILITIES
from headgate_anthropic.facts import NAME, thinks_to_budget
from headgate_anthropic.passing import MessagePassing
from headgate_anthropic.reader import MessageReader


class AnthropicOut:
    """Providers. Their URL ends in `/v1`.

    A provider's row may say: `path` (what stands between its URL and `/messages`), `version`, `betas` (a list) and
    `max_output_tokens` (the bound where the client gives none); and, where a model's name does not tell, `sampling`
    (whether its models take `temperature`, `top_p` and `top_k`), `thinking` (`budget` or `adaptive`) and `thinking_off`
    (whether they can be told not to think).
    """

    name = NAME
    abilities: Mapping[str, str] = ABILITIES

    def write(self, chat: Chat, to: Endpoint) -> Written:
        return writing.write(chat, to)

    def thinks_unasked(self, to: Endpoint) -> bool:
        """Whether the model may think where nobody asked it to: those that only think to a budget do not."""
        return not thinks_to_budget(to.model, to.options)

    def write_count(self, chat: Chat, to: Endpoint) -> Written:
        """The request for a count of a chat's tokens. Unsupported."""
        return writing.write_count(chat, to)

    def counted_tokens(self, data: bytes) -> int:
        """The answer to that. Garbled."""
        return writing.counted_tokens(data)

    def answer(self, data: bytes) -> Answer:
        return sound_answer(answers.answer, data)

    def count(self, data: bytes) -> Counted | None:
        return sound_count(answers.count, data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        return sound_refusal(errors.refusal, data)

    def reader(self) -> EventReader:
        return MessageReader()

    def passing(self, *, hides_counts: bool, choices: int = 1) -> Passing:
        return MessagePassing()

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        return faking.render(fake, request, at)
