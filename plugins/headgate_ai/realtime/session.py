"""A session: the provider's end of its WebSocket, with somebody who listens.

1. Messages pass whole and in their order, as they came but where a rule below changes one. A message that could be read in
   two ways ends the session (1007): what is allowed is what is sent.
2. What the provider says is counted: its answers by `Tab`, its transcripts by `Hearing`.
3. Where a limit is around the line, no answer is asked for before its bound was set aside. The provider may also answer by
   itself, when it hears that somebody has ended (turn detection with `create_response`). Then it is told not to, and the
   session asks for the answer in its place, at the same moment.
4. The model stays the one that the line allowed; with a list of models, the one that transcribes is on it. What the
   provider holds may be another team's, as in a chat.
"""

from __future__ import annotations

import os
from typing import Any, Final

import msgspec
import trio

from headgate.api import TEXT, Closing, Exchange, Failure, Message, Messages, Meter, Money, NotStrict, Tunnel, frame
from headgate_ai.models import Model
from headgate_ai.realtime.events import hearing, number, part, rate, said, short, transcriber, whole
from headgate_ai.realtime.hearing import Hearing
from headgate_ai.realtime.rules import check, has_picture, hush, unmeasured
from headgate_ai.realtime.tab import Tab
from headgate_ai.referring import Policy

_UNREADABLE: Final = 1007
# A piece of sound may have 15 MiB: https://platform.openai.com/docs/api-reference/realtime-client-events/input_audio_buffer/append
_MOST: Final = 24 << 20
_OURS: Final = "headgate_"
# What says something that answers will be about.
_UPDATES: Final = frozenset({"session.update", "transcription_session.update"})
_SAYS: Final = _UPDATES | {"response.create", "conversation.item.create"}


class Session:
    """A `Tunnel`. `end` settles what is open, once nothing passes any more."""

    def __init__(
        self,
        ctx: Exchange,
        model: Model,
        upstream: Tunnel,
        meters: list[Meter],
        allowed: frozenset[str] | None,
        references: Policy,
    ) -> None:
        self.length: int | None = None
        self.idle_s: float | None = getattr(upstream, "idle_s", None)
        self._upstream = upstream
        self._model = model
        self._allowed = allowed
        self._references = references
        self._tab = Tab(ctx, model, meters)
        self._hearing = Hearing(ctx, model, self._tab)
        self._up = Messages(masked=True, most=_MOST)
        self._down = Messages(masked=False, most=_MOST)
        self._sending = trio.Lock()
        self._wish: Closing | None = None
        # Known once the provider has said how the session begins.
        self._begun = trio.Event()
        self._renamed = True
        self._most_output: int | None = None
        self._changing = 0
        # Whether the provider would answer by itself, and whether somebody has just ended.
        self._answers = False
        self._ended = False
        self._number = 0

    def __repr__(self) -> str:
        return f"<Session {self._tab!r}>"

    @property
    def cost(self) -> Money | None:
        """What all of it has cost."""
        return self._tab.cost

    @property
    def refusal(self) -> Failure | None:
        """What a limit refused, if that ended it."""
        return self._tab.refusal

    def end(self) -> None:
        """Settle what is open."""
        self._tab.end()
        self._hearing.end()

    async def aclose(self) -> None:
        """Close the provider's end."""
        await self._upstream.aclose()

    # --- from the client ----------------------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        """Pass what the client says. Closing, UpstreamFault, BadFrame."""
        for message in self._up.feed(data):
            await self._send(await self._said(message) if message.says else message.raw)

    async def _send(self, raw: bytes) -> None:
        async with self._sending:
            await self._upstream.write(raw)

    async def _say(self, event: dict[str, Any]) -> None:
        """Say something of our own to the provider."""
        await self._send(_masked(event))

    async def _said(self, message: Message) -> bytes:
        """The bytes to pass in the place of a message."""
        try:
            event = said(message.content)
        except NotStrict as error:
            raise Closing(_UNREADABLE, str(error)) from None
        if event is None:
            return message.raw
        if self._tab.metered:
            await self._begun.wait()
        kind, changed = event.get("type"), False
        if kind == "input_audio_buffer.append":
            await self._hear(event)
        elif kind in _SAYS:
            self._tab.add_text(len(message.content))
        check(
            event.get("session") if kind in _UPDATES else event.get("response"),
            self._model,
            self._allowed,
            self._references,
        )
        if kind in _UPDATES:
            changed = await self._update(event)
        elif kind == "response.create" and self._tab.metered:
            changed = await self._create(event)
        elif self._tab.metered:
            self._look(event)
        return _masked(event) if changed else message.raw

    async def _hear(self, event: dict[str, Any]) -> None:
        sound = event.get("audio")
        self._tab.add_sound(len(sound) if isinstance(sound, str) else 0)
        await self._hearing.ready()
        self._hearing.hear()

    async def _update(self, event: dict[str, Any]) -> bool:
        """The client changes the session. Closing; whether something was changed in what it said."""
        session = event.get("session")
        if not isinstance(session, dict):
            return False
        says, name = transcriber(session)
        if says:
            self._hearing.name = name
            await self._hearing.ready()
        if not self._tab.metered:
            return False
        self._changing += 1
        self._look(session)
        hushed = [self._hush(place) for place in hearing(session)]
        return any(hushed)

    def _hush(self, place: dict[str, Any]) -> bool:
        """Rule 3."""
        if "turn_detection" in place:
            self._answers = hush(place["turn_detection"])
        return isinstance(place.get("turn_detection"), dict)

    async def _create(self, event: dict[str, Any]) -> bool:
        """The client asks for an answer. Closing; whether something was changed in how it asks."""
        asked = event.get("response")
        if isinstance(asked, dict):
            self._look(asked)
        response: dict[str, Any] = asked if isinstance(asked, dict) else {}
        most, changed = number(response.get(self._bound_name)), not isinstance(event.get("event_id"), str)
        if most is None and not self._changing:
            most = self._most_output
        if most is None and self._tab.cap is not None:
            most, changed = self._tab.cap, True
            event["response"] = {**response, self._bound_name: most}
        if not isinstance(event.get("event_id"), str):
            event["event_id"] = self._event_id()
        await self._tab.ask(event["event_id"], most)
        return changed

    @property
    def _bound_name(self) -> str:
        return "max_output_tokens" if self._renamed else "max_response_output_tokens"

    def _event_id(self) -> str:
        self._number += 1
        return f"{_OURS}{self._number}"

    def _look(self, asked: dict[str, Any]) -> None:
        """What makes the input of answers something that nobody here can measure."""
        self._tab.unbounded = unmeasured(asked) or self._tab.unbounded
        if has_picture(asked):
            self._tab.said += self._model.context or 0

    # --- from the provider --------------------------------------------------------------------------------------------

    async def read(self) -> bytes:
        """What the provider says, in whole messages. Closing, UpstreamFault, BadFrame."""
        while self._wish is None and (data := await self._upstream.read()):
            if passed := await self._passed(data):
                return passed
        if self._wish is not None:
            raise self._wish
        return b""

    async def _passed(self, data: bytes) -> bytes:
        passed = bytearray()
        for message in self._down.feed(data):
            passed += message.raw
            try:
                if message.says:
                    await self._heard(message.content)
            except Closing as wish:
                self._wish = wish
                break
        return bytes(passed)

    async def _heard(self, content: bytes) -> None:
        """The provider says something. Closing."""
        event = short(content)
        kind = event.type if event is not None else ""
        if event is not None and event.response_id is not None and kind.endswith(".delta"):
            self._tab.came(event.response_id, kind, event.delta)
        elif kind in _HEARD:
            await _HEARD[kind](self, whole(content))

    async def _opened(self, event: dict[str, Any]) -> None:
        session = part(event, "session") or {}
        self._renamed = "type" in session
        self._tab.add_text(len(msgspec.json.encode(session)))
        await self._updated(event)
        if self._tab.metered:
            await self._take_over(session)
        self._begun.set()

    async def _take_over(self, session: dict[str, Any]) -> None:
        """Rule 3, for how the session begins."""
        place = next((one for one in hearing(session) if "turn_detection" in one), {})
        if not self._hush(place):
            return
        if place is session:
            change: dict[str, Any] = {"turn_detection": place["turn_detection"]}
        else:
            change = {"type": "realtime", "audio": {"input": {"turn_detection": place["turn_detection"]}}}
        self._changing += 1
        await self._say({"type": "session.update", "event_id": self._event_id(), "session": change})

    async def _changed(self, event: dict[str, Any]) -> None:
        self._changing = max(0, self._changing - 1)
        await self._updated(event)

    async def _updated(self, event: dict[str, Any]) -> None:
        session = part(event, "session") or {}
        says, name = transcriber(session)
        if says:
            self._hearing.name = name
        self._most_output = number(session.get(self._bound_name))
        self._tab.format_in, self._tab.format_out = rate(session, "input"), rate(session, "output")

    async def _stopped(self, event: dict[str, Any]) -> None:
        self._ended = True

    async def _committed(self, event: dict[str, Any]) -> None:
        ended, self._ended = self._ended, False
        if ended and self._answers and self._tab.metered:
            asked: dict[str, Any] = {"type": "response.create"}
            await self._create(asked)
            await self._say(asked)

    async def _began(self, event: dict[str, Any]) -> None:
        await self._tab.begun(str(part(event, "response", "id")))

    async def _done(self, event: dict[str, Any]) -> None:
        self._tab.done(part(event, "response") or {})

    async def _transcribed(self, event: dict[str, Any]) -> None:
        await self._hearing.told(event.get("usage"))

    async def _failed(self, event: dict[str, Any]) -> None:
        self._tab.not_begun(part(event, "error", "event_id"))


_HEARD: Final = {
    "session.created": Session._opened,
    "session.updated": Session._changed,
    "input_audio_buffer.speech_stopped": Session._stopped,
    "input_audio_buffer.committed": Session._committed,
    "response.created": Session._began,
    "response.done": Session._done,
    "conversation.item.input_audio_transcription.completed": Session._transcribed,
    "error": Session._failed,
}


def _masked(event: dict[str, Any]) -> bytes:
    return frame(TEXT, msgspec.json.encode(event), mask=os.urandom(4))
