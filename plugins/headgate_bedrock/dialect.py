"""How Bedrock is spoken to, by Converse and ConverseStream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from headgate.api import FakeChat, Line, Node, Outgoing, Response, Secret, Target
from headgate.api.ai import (
    Answer,
    Chat,
    Counted,
    Dropped,
    Endpoint,
    EventReader,
    Refusal,
    Unsupported,
    Written,
    sound_answer,
    sound_count,
    sound_refusal,
)
from headgate_bedrock import answers, credentials, errors, fakes
from headgate_bedrock.abilities import ABILITIES
from headgate_bedrock.blocks import write_messages
from headgate_bedrock.settings import write_settings, write_tools
from headgate_bedrock.streaming import BedrockReader

HEADERS: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)


class BedrockOut:
    """See `Outbound`. `abilities` says what passes, and why what does not."""

    name = "bedrock"
    abilities: Mapping[str, str] = ABILITIES

    def write(self, chat: Chat, to: Endpoint) -> Written:
        """See `Outbound`. Nobody speaks this dialect to us, so everything is written from the chat."""
        if to.model in ("", ".", ".."):
            raise Unsupported(f"Bedrock has no model `{to.model}`.", "model")
        dropped = Dropped()
        content = chat.content()
        system, messages = write_messages(chat, dropped)
        made = {
            "messages": messages,
            "system": system,
            "toolConfig": write_tools(content, dropped),
            **write_settings(chat, content, to, dropped),
        }
        body = msgspec.json.encode({name: value for name, value in made.items() if value})
        method = "converse-stream" if chat.stream else "converse"
        path = f"/model/{quote(to.model, safe='-._~')}/{method}".encode()
        return Written(path, body, HEADERS, dropped=tuple(dropped.names))

    def answer(self, data: bytes) -> Answer:
        """See `Outbound`."""
        return sound_answer(answers.answer, data)

    def count(self, data: bytes) -> Counted | None:
        """See `Outbound`."""
        return sound_count(answers.count, data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        """See `Outbound`. Which error it is stands in a line of the head, where somebody has it."""
        return sound_refusal(lambda body: errors.refusal(body, headers), data)

    def reader(self) -> EventReader:
        """See `Outbound`."""
        return BedrockReader()

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        """See `Outbound`."""
        return fakes.render(fake, request)

    async def authorize(
        self, outgoing: Outgoing, target: Target, key: Secret, options: Mapping[str, Any], node: Node
    ) -> None:
        """See `Authorizes`. Where in-file tests run, nothing leaves and no key is needed."""
        if not node.rehearsing:
            credentials.authorize(outgoing, target, key.reveal(), options, node.clock.time())
