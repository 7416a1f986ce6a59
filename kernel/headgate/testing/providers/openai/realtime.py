"""GET /v1/realtime: a session over a WebSocket (https://platform.openai.com/docs/api-reference/realtime).

1. Every event of the client's is checked against the types of the SDK; what does not fit is answered with an `error`, and the
   session goes on, as in life.
2. A session hears with turn detection and answers by itself unless it is told not to. Sound that is all zeros is silence:
   the first silence behind a sound ends a turn.
3. Each answer is the script's next `Says`: `Fails` is an answer that failed. It is spoken where the session speaks: a
   transcript, and a twentieth of a second of sound for every token of `spoken`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import trio
from openai.types.realtime import RealtimeClientEventParam, RealtimeServerEvent

from headgate.message.websocket import CLOSE, PING, PONG, TEXT, BadFrame, close_frame, frame
from headgate.message.websocket_messages import Messages
from headgate.testing.providers.asking import Asked, refuse
from headgate.testing.providers.openai.realtime_parts import merged, new_session, usage_of
from headgate.testing.providers.says import Fails, Says, Tokens
from headgate.testing.providers.strict import Misfit, conforms
from headgate.upstream.upgrade import accept_key

if TYPE_CHECKING:
    from headgate.testing.providers.simulator import Simulator
    from headgate.testing.upstreams import Wire

_MOST: Final = 16 << 20
# A token of sound is a twentieth of a second, of 24,000 samples.
_SOUND: Final = bytes(2400)
_WINDOW: Final = 32_000


def realtime(sim: Simulator, asked: Asked) -> Callable[[Wire], Awaitable[None]]:
    """The session that a handshake asks for. Raises Refused."""
    if asked.path != f"{sim.prefix}/realtime":
        raise refuse(f"Unknown request URL: {asked.method} {asked.path}.", "model")
    if not asked.query.get("model"):
        raise refuse("You must provide a model parameter.", "bad", "model")
    return Talk(sim, asked).run


class Talk:
    """One session."""

    def __init__(self, sim: Simulator, asked: Asked) -> None:
        self.sim = sim
        self.asked = asked
        self.number = 0
        self.context = 0  # bytes of all that was said
        self.heard = 0  # bytes of sound, of which the first `counted` are a turn already
        self.committed = 0
        self.speaking = False
        self.answering: trio.CancelScope | None = None
        self.session = new_session(asked.query["model"])

    async def run(self, wire: Wire) -> None:
        """Until one side closes."""
        self.wire, self.lock = wire, trio.Lock()
        key = self.asked.headers.get(b"sec-websocket-key") or b""
        lines = [b"HTTP/1.1 101 Switching Protocols", b"upgrade: websocket", b"connection: upgrade"]
        lines.append(b"sec-websocket-accept: " + accept_key(key))
        lines.append(b"x-request-id: req_realtime")
        if "realtime" in [one.strip() for one in self.asked.header("sec-websocket-protocol").split(",")]:
            lines.append(b"sec-websocket-protocol: realtime")
        await wire.send(b"\r\n".join(lines) + b"\r\n\r\n")
        async with trio.open_nursery() as self.nursery:
            await self.say("session.created", session=self.session)
            await self.listen()
            self.nursery.cancel_scope.cancel()

    async def listen(self) -> None:
        """Everything that comes, one after the other."""
        messages = Messages(masked=True, most=_MOST)
        while data := await self.wire.receive():
            try:
                found = messages.feed(data)
            except BadFrame as error:
                await self.wire.send(close_frame(1002, str(error)))
                return
            for message in found:
                if message.kind == CLOSE:
                    await self.wire.send(frame(CLOSE, message.content))
                    return
                if message.kind == PING:
                    await self.wire.send(frame(PONG, message.content))
                elif message.says:
                    await self.event(message.content)

    async def say(self, kind: str, **fields: Any) -> None:
        """Say an event."""
        self.number += 1
        event = {"type": kind, "event_id": f"event_{self.number}", **fields}
        conforms(event, RealtimeServerEvent)
        async with self.lock:
            await self.wire.send(frame(TEXT, json.dumps(event).encode()))

    async def refuse(self, message: str, code: str, event_id: object, param: str | None = None) -> None:
        """Say that an event cannot be."""
        error = {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
            "event_id": event_id,
        }
        await self.say("error", error=error)

    async def event(self, content: bytes) -> None:
        """One event of the client's."""
        try:
            event = json.loads(content)
        except ValueError:
            await self.refuse("The event is no JSON.", "invalid_json", None)
            return
        ident = event.get("event_id") if isinstance(event, dict) else None
        try:
            conforms(event, RealtimeClientEventParam)
        except Misfit as error:
            await self.refuse(f"Invalid value: {error}", "invalid_value", ident, error.dotted)
            return
        handler = _EVENTS.get(event["type"])
        if handler is not None:
            await handler(self, event)

    async def update(self, event: dict[str, Any]) -> None:
        """session.update"""
        session = event["session"]
        if session.get("model", self.session["model"]) != self.session["model"]:
            await self.refuse("The model cannot be changed.", "cannot_update_model", event.get("event_id"))
            return
        self.session = merged(self.session, session)
        await self.say("session.updated", session=self.session)

    async def item(self, event: dict[str, Any]) -> None:
        """conversation.item.create"""
        self.context += len(json.dumps(event["item"]))
        self.number += 1
        await self.say("conversation.item.added", item={"id": f"item_{self.number}", **event["item"]})

    async def append(self, event: dict[str, Any]) -> None:
        """input_audio_buffer.append"""
        try:
            sound = base64.b64decode(event["audio"], validate=True)
        except binascii.Error:
            await self.refuse("The audio is no base64.", "invalid_value", event.get("event_id"), "audio")
            return
        self.heard += len(sound)
        detects = self.session["audio"]["input"]["turn_detection"]
        if detects is None:
            return
        ms, loud = self.heard // 48, any(sound)
        if loud and not self.speaking:
            self.speaking = True
            await self.say("input_audio_buffer.speech_started", audio_start_ms=ms, item_id="item_heard")
        elif not loud and self.speaking:
            self.speaking = False
            await self.say("input_audio_buffer.speech_stopped", audio_end_ms=ms, item_id="item_heard")
            await self.commit(event)
            if detects.get("create_response", True):
                await self.answer({"type": "response.create"})

    async def commit(self, event: dict[str, Any]) -> None:
        """input_audio_buffer.commit"""
        turn, self.committed = self.heard - self.committed, self.heard
        if not turn:
            await self.refuse("The buffer is empty.", "input_audio_buffer_commit_empty", event.get("event_id"))
            return
        await self.say("input_audio_buffer.committed", item_id="item_heard")
        transcription = self.session["audio"]["input"].get("transcription")
        if transcription:
            tokens = Tokens(turn // 4800 + 1, 4, heard=turn // 4800 + 1)
            self.sim.bills.append(tokens)
            await self.say(
                "conversation.item.input_audio_transcription.completed", item_id="item_heard", content_index=0,
                transcript="What was said.",
                usage={
                    "type": "tokens", "input_tokens": tokens.input, "output_tokens": tokens.output,
                    "total_tokens": tokens.input + tokens.output,
                    "input_token_details": {"text_tokens": 0, "audio_tokens": tokens.heard},
                },
            )  # fmt: skip

    async def answer(self, event: dict[str, Any]) -> None:
        """response.create"""
        if self.answering is not None:
            await self.refuse(
                "Conversation already has an active response.", "conversation_already_has_active_response",
                event.get("event_id"),
            )  # fmt: skip
            return
        self.answering = trio.CancelScope()
        self.nursery.start_soon(self._answer, event.get("response") or {}, self.answering)

    async def cancel(self, event: dict[str, Any]) -> None:
        """response.cancel"""
        if self.answering is None:
            await self.refuse("There is no active response.", "response_cancel_not_active", event.get("event_id"))
            return
        self.answering.cancel()

    async def _answer(self, asked: dict[str, Any], scope: trio.CancelScope) -> None:
        self.number += 1
        says = self.sim._next(self.asked)
        response: dict[str, Any] = {"id": f"resp_{self.number}", "object": "realtime.response", "output": []}
        await self.say("response.created", response={**response, "status": "in_progress"})
        if isinstance(says, Fails):
            error = {"type": "server_error", "code": says.kind}
            self.answering = None
            await self.say("response.done", response={
                **response, "status": "failed", "status_details": {"type": "failed", "error": error},
            })  # fmt: skip
            return
        assert isinstance(says, Says)
        whole = self._tokens(says, asked)
        produced, status = [0.0], "cancelled"
        try:
            with scope:
                await self._pieces(says, asked, response["id"], whole, produced)
                status = "completed"
        finally:
            tokens = whole.produced(produced[-1])
            self.sim._bill(tokens)
        self.answering = None
        self.context += 4 * tokens.output
        usage = None if says.manners.no_usage else usage_of(tokens)
        await self.say("response.done", response={**response, "status": status, "usage": usage})

    async def _pieces(
        self, says: Says, asked: dict[str, Any], ident: str, whole: Tokens, produced: list[float]
    ) -> None:
        """Say the pieces, and note how much of the answer was produced before each goes out."""
        place = {"response_id": ident, "item_id": "item_said", "output_index": 0, "content_index": 0}
        spoken = "audio" in (asked.get("output_modalities") or self.session["output_modalities"])
        pieces = says.pieces.of_text(says.words)
        kind = "response.output_audio_transcript.delta" if spoken else "response.output_text.delta"
        for at, piece in enumerate(pieces, 1):
            if says.manners.dies_after is not None and at > says.manners.dies_after:
                await self._die(says)
            produced.append(at / len(pieces))
            await self.say(kind, delta=piece, **place)
            if spoken and whole.spoken:
                sound = _SOUND * (whole.spoken * at // len(pieces) - whole.spoken * (at - 1) // len(pieces))
                await self.say("response.output_audio.delta", delta=base64.b64encode(sound).decode(), **place)
            await trio.sleep(says.manners.pause_s)

    async def _die(self, says: Says) -> None:
        if says.manners.how == "reset":
            await self.wire.reset()
        elif says.manners.how != "hang":
            await self.wire.close()
        await trio.sleep_forever()

    def _tokens(self, says: Says, asked: dict[str, Any]) -> Tokens:
        """What the whole answer is, as the script says it or as it comes: a token for four bytes, ten for a second heard."""
        if says.tokens is not None:
            return says.tokens
        heard = self.committed // 4800
        text = self.context // 4 + len(json.dumps(self.session)) // 16
        spoken = (
            len(says.words) if "audio" in (asked.get("output_modalities") or self.session["output_modalities"]) else 0
        )
        most = asked.get("max_output_tokens", self.session["max_output_tokens"])
        output = len(says.words) // 4 + 1 + spoken
        output = output if most == "inf" else min(output, most)
        return Tokens(min(_WINDOW, text + heard), output, heard=heard, spoken=min(spoken, output))


_EVENTS: Final[dict[str, Callable[[Talk, dict[str, Any]], Awaitable[None]]]] = {
    "session.update": Talk.update,
    "conversation.item.create": Talk.item,
    "input_audio_buffer.append": Talk.append,
    "input_audio_buffer.commit": Talk.commit,
    "response.create": Talk.answer,
    "response.cancel": Talk.cancel,
}
