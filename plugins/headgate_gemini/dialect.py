"""The two sides of the dialect `gemini`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headgate.api import FakeChat, Line, Node, Outgoing, Response, Secret, Target
from headgate.api.ai import (
    Answer,
    Chat,
    Counted,
    Endpoint,
    EventReader,
    EventWriter,
    Garbled,
    Refusal,
    Written,
    sound_answer,
    sound_count,
    sound_refusal,
)
from headgate_gemini import answers, errors, fakes, paths, reading, rendering, writing
from headgate_gemini.abilities import ABILITIES, LACKS
from headgate_gemini.streaming import GeminiReader
from headgate_gemini.tokens import Tokens
from headgate_gemini.writer import GeminiWriter


class GeminiIn:
    """How clients of Gemini speak."""

    name = "gemini"
    lacks: Mapping[str, str] = LACKS

    def sample(self) -> object:
        """See `Dialect`."""
        return {"contents": [{"role": "user", "parts": [{"text": "Hello!"}]}]}

    def error(self, status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
        """See `Dialect`."""
        return errors.error(status, message, kind, record)

    def answers(self, path: str) -> bool:
        """See `Inbound`; a route's own path too, which has a parameter where the model and the method stand."""
        return paths.ours(path)

    def read(self, data: bytes, path: str, query: Mapping[str, str]) -> Chat:
        """See `Inbound`; also reads what a client wants counted."""
        return reading.read(data, path, query)

    def render(self, answer: Answer, chat: Chat, at: float) -> bytes:
        """See `Inbound`. Google says no time."""
        return rendering.render(answer, chat)

    def writer(self, chat: Chat, at: float) -> EventWriter:
        """See `Inbound`."""
        return GeminiWriter(chat)

    def broken_off(self, message: str, kind: str) -> bytes:
        """See `Inbound`."""
        return errors.broken_off(message, kind)

    def stream_type(self, chat: Chat) -> bytes:
        """The content type of a stream for this client, who may want one array in JSON."""
        return b"application/json" if reading.wants_array(chat) else b"text/event-stream"

    def counts(self, path: str) -> bool:
        """Whether clients send what they want counted to this path."""
        found = paths.split(path)
        return found is not None and found[1] == "countTokens"

    def render_count(self, input_tokens: int) -> bytes:
        """How many tokens a chat has: https://ai.google.dev/api/tokens."""
        return msgspec.json.encode({"totalTokens": input_tokens})


class GeminiOut:
    """How AI Studio and Vertex AI are spoken to. `abilities` says what passes, and why what does not."""

    name = "gemini"
    any_media = True
    abilities: Mapping[str, str] = ABILITIES

    def write(self, chat: Chat, to: Endpoint) -> Written:
        """See `Outbound`."""
        return writing.write(chat, to)

    def answer(self, data: bytes) -> Answer:
        """See `Outbound`."""
        return sound_answer(answers.answer, data)

    def count(self, data: bytes) -> Counted | None:
        """See `Outbound`."""
        return sound_count(answers.count, data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        """See `Outbound`."""
        return sound_refusal(errors.refusal, data)

    def reader(self) -> EventReader:
        """See `Outbound`."""
        return GeminiReader()

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        """See `Outbound`."""
        return fakes.render(fake, request)

    def write_count(self, chat: Chat, to: Endpoint) -> Written:
        """The question how many tokens a chat has."""
        return writing.write_count(chat, to)

    def counted_tokens(self, data: bytes) -> int:
        """The answer to it. Garbled."""
        try:
            return _counts.decode(data).total_tokens
        except msgspec.DecodeError:
            raise Garbled("with what is no count of tokens") from None

    async def authorize(
        self, outgoing: Outgoing, target: Target, key: Secret, options: Mapping[str, Any], node: Node
    ) -> None:
        """See `Authorizes`. A key that is a service account's gets a token; any other goes as it is, in the line of an
        API key, or of a token where the option `auth` is `bearer`. Where in-file tests run, nothing leaves and no key is needed."""
        if node.rehearsing:
            return
        value = key.reveal()
        if value.lstrip().startswith("{"):
            value = await node.state.setdefault("gemini", Tokens()).get(value, node)
        elif options.get("auth") != "bearer":
            outgoing.headers.append((b"x-goog-api-key", value.encode()))
            return
        outgoing.headers.append((b"authorization", b"Bearer " + value.encode()))


class _Count(msgspec.Struct, rename="camel"):
    total_tokens: int


_counts = msgspec.json.Decoder(_Count)
