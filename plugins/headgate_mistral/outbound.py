"""How Mistral is spoken to: https://docs.mistral.ai/api/#tag/chat.

1. The dialect below (`openai`) writes the request and reads the answer; here what differs is changed in its JSON, on the
   way out (`requests`) and on the way in (`answers`). So whatever a client of the dialect below sent passes as it came.
2. Mistral counts its streams without being asked, in the last chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from headgate.api import FakeChat, Line, Response
from headgate.api.ai import (
    Answer,
    Chat,
    Counted,
    Dropped,
    Endpoint,
    EventReader,
    Inbound,
    Outbound,
    Refusal,
    Written,
    sound_refusal,
)
from headgate_mistral.abilities import ABILITIES
from headgate_mistral.answers import MistralReader, answer, refusal
from headgate_mistral.documents import with_documents
from headgate_mistral.inbound import below_of
from headgate_mistral.requests import translate

# What the dialect below has to know.
_ROW: Final[dict[str, Any]] = {"bound": "max_tokens", "developer": False, "counts_streams": False, "top_k": True}


# How the dialect below hands thoughts on, to become chunks here.
_THOUGHTS: Final = {"reasoning": "reasoning_content", "proofs": True}


class MistralOut:
    """See `Outbound`. A provider's row may say `thinks`: the model takes its earlier thoughts back; so do those that are
    called `magistral…`."""

    name = "mistral"
    abilities: Mapping[str, str] = ABILITIES

    def __init__(self, clients: Inbound, below: Outbound) -> None:
        self._clients = clients
        self._below = below

    def __repr__(self) -> str:
        return f"<MistralOut on {self._below.name}>"

    def write(self, chat: Chat, to: Endpoint) -> Written:
        thinks = bool(to.options.get("thinks", to.model.startswith("magistral")))
        own = chat.dialect == self.name
        below = with_documents(below_of(chat, self._clients) if own else chat, self._clients.name)
        row = {**_ROW, **(_THOUGHTS if own or thinks else {}), **to.options}
        written = self._below.write(below, Endpoint(to.model, row))
        dropped = Dropped(list(written.dropped))
        said = msgspec.json.decode(written.body)
        body = translate(msgspec.json.decode(written.body), dropped, thinks=thinks or own)
        if own and chat.content_changed():
            body |= chat.content().extra
            dropped.names = [name for name in dropped.names if name not in body]
        data = written.body if body == said else msgspec.json.encode(body)
        return written._replace(body=data, hides_counts=False, dropped=dropped.names)

    def answer(self, data: bytes) -> Answer:
        return answer(self._below.answer, data)

    def count(self, data: bytes) -> Counted | None:
        return self._below.count(data)

    def refusal(self, data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
        return sound_refusal(refusal, data) or self._below.refusal(data)

    def reader(self) -> EventReader:
        return MistralReader(self._below.reader())

    def render(self, fake: FakeChat, request: Written, at: float) -> Response:
        return self._below.render(fake, request, at)
