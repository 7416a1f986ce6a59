"""What stands behind the end of an answer, or behind what makes no sense, in the same segment, costs nothing that came before."""

from __future__ import annotations

from typing import Any

import pytest
from every_dialect import CLIENTS, PROVIDERS
from spoiling import streams, wire

from headgate.api import UpstreamFault
from headgate.api.ai import Chat, Content, Ended, Failed, Garbled, Message, Text
from headgate_ai.flows import Passed, Told
from headgate_ai.relaying import Relay

CHAT = Chat.made("m", Content([Message("user", [Text("Hi")])]), stream=True)
# Bedrock's end is the end of its bytes, and so is Gemini's.
MARKED = [name for name in PROVIDERS if name not in ("bedrock", "gemini")]
PASSING = [name for name, out in PROVIDERS.items() if hasattr(out, "passing")]
BEHIND = [b"data: [DONE]\n\n", b"data: {}\n\n", b"data: bye\n\n"]
NO_SENSE = b"data: {\n\n"


def whole(provider: str) -> bytes:
    data = b"".join(wire(provider, streams(provider)[0]))
    # Cohere has a mark behind the event that ends it.
    return data.removesuffix(b"data: [DONE]\n\n") if provider == "cohere" else data


def told(provider: str) -> Told:
    return Told(PROVIDERS[provider].reader(), CLIENTS["openai"].writer(CHAT, 0.0), [], own=False, hides_counts=False)


def passed(provider: str) -> Passed:
    return Passed(PROVIDERS[provider].passing(hides_counts=False), CLIENTS[provider])  # type: ignore[attr-defined]


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("provider", MARKED)
def test_what_stands_behind_the_end_is_not_read(provider: str, behind: bytes) -> None:
    read = PROVIDERS[provider].reader().feed(whole(provider) + behind)
    assert isinstance([one for _, happenings in read for one in happenings][-1], Ended)


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("provider", PASSING)
def test_what_stands_behind_the_end_does_not_pass(provider: str, behind: bytes) -> None:
    flow, said = passed(provider), whole(provider)
    assert flow.feed(said + behind) == said
    assert flow.ended
    assert flow.garbled is None


def test_what_stands_behind_the_error_in_an_array_is_not_read() -> None:
    read = PROVIDERS["gemini"].reader().feed(b'[{"error": {"message": "No", "code": 500}}, 3, {"candidates": 3}]')
    assert isinstance(read[-1][1][-1], Failed)


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name != "bedrock"])
def test_a_reader_tells_what_came_before_what_makes_no_sense(provider: str) -> None:
    begun = b"".join(wire(provider, streams(provider)[0][:3]))
    expected = PROVIDERS[provider].reader().feed(begun)
    with pytest.raises(Garbled) as caught:
        PROVIDERS[provider].reader().feed(begun + NO_SENSE)
    assert [*caught.value.before] == expected


def cut(provider: str) -> bytes:
    """Up to the first that says something."""
    blocks = wire(provider, streams(provider)[0])
    flow, out = passed(provider), list[bytes]()
    while not flow.started:
        out.append(blocks.pop(0))
        flow.feed(out[-1])
    return b"".join(out)


class Pieces:
    length = None

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [*pieces]

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def aclose(self) -> None:
        self._pieces = []


def relayed(flow: Any, *pieces: bytes) -> Relay:
    return Relay(
        Pieces(*pieces), flow, lambda *_, whole: None, lambda said: UpstreamFault("upstream.broken", said), bytes
    )


# What each has to look into, and cannot.
BROKEN = {"anthropic": b"event: ping\ndata: {\n\n", "openai": b'data: {"usage"\n\n', "cohere": b"data: {\n\n"}


@pytest.mark.parametrize("provider", BROKEN)
async def test_a_client_gets_what_came_before_what_makes_no_sense(provider: str) -> None:
    begun = cut(provider)
    again = begun[begun.rindex(b"\n\n", 0, -2) + 2 :]
    for flow, expected in ((passed(provider), begun), (told(provider), None)):
        relay = relayed(flow, begun, again + BROKEN[provider])
        await relay.begin()
        assert expected is None or await relay.read() == expected
        said = [await relay.read() for _ in range(2 if expected is not None else 3)]
        assert expected is None or said[0] == again
        assert b"error" in said[-1]
        with pytest.raises(UpstreamFault):
            await relay.read()


@pytest.mark.parametrize("provider", BROKEN)
async def test_before_anything_went_out_another_provider_may_be_asked(provider: str) -> None:
    for flow in (passed(provider), told(provider)):
        with pytest.raises(UpstreamFault):
            await relayed(flow, cut(provider) + BROKEN[provider]).begin()
