"""Sessions of the API as it was called in its beta, and events that come at bad moments: a session over tunnels of paper."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from headgate.api import TEXT, Bound, ClientFault, Closing, Messages, Usage, frame
from headgate_ai.catalog import entry
from headgate_ai.providers import providers
from headgate_ai.realtime.session import Session

MASK = b"abcd"


class Paper:
    """The provider's end: says what it was given, and keeps what it was sent."""

    def __init__(self) -> None:
        self.length = None
        self.send, self._receive = trio.open_memory_channel[dict[str, Any]](50)
        self._cut = Messages(masked=True, most=1 << 20)
        self.got: list[dict[str, Any]] = []

    async def read(self) -> bytes:
        return frame(TEXT, json.dumps(await self._receive.receive()).encode())

    async def write(self, data: bytes) -> None:
        self.got += [json.loads(one.content) for one in self._cut.feed(data)]

    async def aclose(self) -> None:
        pass


class Purse:
    """A meter with so many bounds left; it remembers those that it set aside, and what they came to."""

    cap = 50

    def __init__(self, left: int = 9) -> None:
        self.left = left
        self.bounds: list[Bound] = []
        self.used: list[Usage | None] = []

    def reserve_now(self, bound: Bound) -> None:
        return None

    async def reserve(self, bound: Bound) -> Purse:
        if not self.left:
            raise ClientFault("budget.exhausted", "Nothing is left.", status=402)
        self.left -= 1
        self.bounds.append(bound)
        return self

    def settle(self, usage: Usage) -> None:
        self.used.append(usage)

    def release(self) -> None:
        self.used.append(None)


def session_of(paper: Paper, purse: Purse | None) -> tuple[Session, Any]:
    known = entry(providers()["openai"], "gpt-realtime")
    model: Any = SimpleNamespace(
        name=known.name, label="openai/gpt-realtime", provider=providers()["openai"], context=known.context,
        most_output=known.most_output, prices=known.prices, resource="rt",
    )  # fmt: skip
    ctx: Any = SimpleNamespace(usage=None, note=lambda *_: None)
    meters: Any = [] if purse is None else [purse]
    return Session(ctx, model, paper, meters, None, "own"), ctx


async def hear(session: Session, paper: Paper, *events: dict[str, Any]) -> None:
    for event in events:
        await paper.send.send(event)
        await session.read()


async def say(session: Session, event: dict[str, Any]) -> None:
    await session.write(frame(TEXT, json.dumps(event).encode(), mask=MASK))


def beta(**more: Any) -> dict[str, Any]:
    session = {"instructions": "Be brief.", "turn_detection": {"type": "server_vad"}, "input_audio_format": "pcm16"}
    return {"type": "session.created", "session": {**session, **more}}


async def test_the_beta_s_turns_are_asked_for_here_and_bounded_by_its_own_name() -> None:
    paper, purse = Paper(), Purse()
    session, _ = session_of(paper, purse)
    await hear(session, paper, beta())
    assert paper.got[0]["session"] == {"turn_detection": {"type": "server_vad", "create_response": False}}
    stopped, committed = ({"type": f"input_audio_buffer.{what}"} for what in ("speech_stopped", "committed"))
    await hear(session, paper, stopped, committed)
    assert (paper.got[1]["type"], paper.got[1]["response"]) == ("response.create", {"max_response_output_tokens": 50})
    assert [bound.answered for bound in purse.bounds] == [50]


async def test_what_the_client_commits_itself_is_not_answered_unasked() -> None:
    paper, purse = Paper(), Purse()
    session, _ = session_of(paper, purse)
    await hear(session, paper, beta(), {"type": "input_audio_buffer.committed"})
    assert [one["type"] for one in paper.got] == ["session.update"]


async def test_sound_waits_until_the_provider_was_told_not_to_answer() -> None:
    paper, purse = Paper(), Purse()
    session, _ = session_of(paper, purse)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, session, {"type": "input_audio_buffer.append", "audio": "AAAA"})
        await trio.testing.wait_all_tasks_blocked()
        assert not paper.got
        await hear(session, paper, beta())
    assert [one["type"] for one in paper.got] == ["session.update", "input_audio_buffer.append"]


async def test_an_answer_that_nobody_asked_for_is_paid_or_ends_the_session() -> None:
    paper, purse = Paper(), Purse(left=1)
    session, ctx = session_of(paper, purse)
    await hear(session, paper, beta(), {"type": "response.created", "response": {"id": "a"}})
    await hear(session, paper, {"type": "response.created", "response": {"id": "b"}})
    with pytest.raises(Closing, match="budget"):
        await session.read()
    session.end()
    assert len(purse.used) == 1
    assert ctx.usage.estimated


async def test_the_bound_of_an_answer_follows_what_was_said() -> None:
    paper, purse = Paper(), Purse()
    session, _ = session_of(paper, purse)
    await hear(session, paper, beta(turn_detection=None))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x" * 1000}]}
    await say(session, {"type": "response.create"})
    await say(session, {"type": "conversation.item.create", "item": item})
    await say(session, {"type": "response.create", "response": {"max_response_output_tokens": 20}})
    image = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:image/png,"}]}
    await say(session, {"type": "conversation.item.create", "item": image})
    await say(session, {"type": "response.create"})
    first, second, third = purse.bounds
    assert first.tokens is not None
    assert second.tokens is not None
    assert second.tokens - first.tokens > 1000 - 30
    assert second.answered == 20
    assert third.tokens == 32_000 + 50, "a picture can fill the window"
    session.end()
    assert len(purse.used) == 3


@pytest.mark.parametrize("usage", [None, {"input_tokens": -5, "output_tokens": 1}, {"input_tokens": "9"}, 7])
async def test_counts_that_cannot_be_are_estimated(usage: object) -> None:
    paper, purse = Paper(), Purse()
    session, ctx = session_of(paper, purse)
    delta = {"type": "response.text.delta", "response_id": "a", "delta": "Hello there"}
    done = {"type": "response.done", "response": {"id": "a", "status": "completed", "usage": usage}}
    await hear(session, paper, beta(), {"type": "response.created", "response": {"id": "a"}}, delta, done)
    assert ctx.usage.estimated
    [booked] = purse.used
    assert booked is not None
    assert booked.output_tokens >= len("Hello there")
    assert booked.cost is not None
    assert booked.cost <= (purse.bounds[0].cost or 0)


async def test_without_a_limit_nothing_is_changed() -> None:
    paper = Paper()
    session, ctx = session_of(paper, None)
    event = {"type": "session.update", "session": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 9}}}
    await hear(session, paper, beta())
    await say(session, event)
    await say(session, {"type": "response.create"})
    assert paper.got == [event, {"type": "response.create"}]
    session.end()
    assert ctx.usage is None
