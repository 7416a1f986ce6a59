"""Images, speech, transcripts and moderations: OpenAI's own client against a simulated OpenAI, through the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
import trio

from headgate.api import Money
from headgate.testing.gate import Gate, open_gate
from headgate.testing.providers import Flags, Manners, OpenAI, Says, Tokens
from headgate.testing.providers.openai.media import silence

POLICY = """policy 1
model draws {{ provider = openai, name = "gpt-image-1", key = secret("TASK_KEY"), url = "{url}/v1" }}
model dalle {{ provider = openai, name = "dall-e-3", key = secret("TASK_KEY"), url = "{url}/v1" }}
model speaks {{ provider = openai, name = "tts-1", key = secret("TASK_KEY"), url = "{url}/v1" }}
model hears {{ provider = openai, name = "gpt-4o-transcribe", key = secret("TASK_KEY"), url = "{url}/v1" }}
model whisper {{ provider = openai, name = "whisper-1", key = secret("TASK_KEY"), url = "{url}/v1" }}
model judges {{ provider = openai, name = "omni-moderation-latest", key = secret("TASK_KEY"), url = "{url}/v1" }}
route draw POST /v1/images/generations public {{
    read.task as job
    ai.task draws
}}
route dalle POST /dalle/v1/images/generations public {{
    read.task as job
    ai.task dalle
}}
route speak POST /v1/audio/speech public {{
    read.task as job
    ai.task speaks
}}
route hear POST /v1/audio/transcriptions public {{
    read.task as job
    require job.kind == "transcription" else 400 "Not here."
    ai.task hears
}}
route whisper POST /whisper/v1/audio/transcriptions public {{
    read.task as job
    ai.task whisper
}}
route judge POST /v1/moderations public {{
    read.task as job
    ai.task judges
}}
"""


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[OpenAI, Gate]]:
    async with trio.open_nursery() as nursery:
        sim = await OpenAI().start(nursery)
        async with open_gate(POLICY.format(url=sim.url)) as gate:
            yield sim, gate
        nursery.cancel_scope.cancel()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "sk-the-providers-key")


async def called(gate: Gate, call: Any, path: str = "/v1") -> Any:
    def run() -> Any:
        with openai.OpenAI(base_url=gate.url + path, api_key="mine", max_retries=0, timeout=5) as client:
            return call(client)

    return await trio.to_thread.run_sync(run)


async def test_a_picture_is_drawn_and_paid_by_its_tokens() -> None:
    async with opened() as (sim, gate):
        sim.says(Says(tokens=Tokens(10, 1000)))
        made = await called(gate, lambda client: client.images.generate(prompt="a dot", model="any", n=2))
        row = await gate.row(0)
    assert len(made.data) == 2
    assert sim.received[0].body["model"] == "gpt-image-1"
    assert row["cost"] == Money(10 * 5_000 + 1000 * 40_000)


async def test_a_picture_that_is_sold_by_the_piece_costs_what_its_size_costs() -> None:
    async with opened() as (sim, gate):
        await called(
            gate, lambda client: client.images.generate(prompt="a dot", model="any", size="1024x1792"), "/dalle/v1"
        )
        await called(
            gate, lambda client: client.images.generate(prompt="a dot", model="any", size="256x256"), "/dalle/v1"
        )
        rows = [await gate.row(0), await gate.row(1)]
    assert rows[0]["cost"] == Money(80_000_000)
    assert rows[1].get("cost") is None
    assert rows[1]["unpriced"] == "openai/dall-e-3"
    assert len(sim.received) == 2


async def test_speech_passes_in_pieces_and_is_paid_by_the_character() -> None:
    async with opened() as (_, gate):
        sound = await called(
            gate,
            lambda client: client.audio.speech.create(
                model="any", voice="alloy", input="Hello!", response_format="wav"
            ),
        )
        row = await gate.row(0)
    assert sound.content == silence()
    assert sound.response.headers["content-type"] == "audio/wav"
    assert row["cost"] == Money(6 * 15_000)


async def test_speech_that_dies_is_cut() -> None:
    async with opened() as (sim, gate):
        sim.says(Says(manners=Manners(dies_after=2)))
        with pytest.raises(openai.APIConnectionError):
            await called(
                gate, lambda client: client.audio.speech.create(model="any", voice="alloy", input="Hello!").read()
            )
        row = await gate.row(0)
    assert row["outcome"] == "cut"


@pytest.mark.parametrize("form", ["json", "text", "srt"])
async def test_a_transcript_comes_in_the_form_that_was_asked_for(form: Any) -> None:
    async with opened() as (sim, gate):
        sim.says(Says("Hello there."))
        made = await called(
            gate,
            lambda client: client.audio.transcriptions.create(
                model="any", file=("a.wav", silence()), response_format=form, language="en"
            ),
        )
    assert "Hello there." in (made.text if form == "json" else made)
    assert sim.received[0].body["model"] == "gpt-4o-transcribe"
    assert sim.received[0].body["file"].data == silence()
    assert sim.received[0].body["language"] == "en"


async def test_a_streamed_transcript_passes_and_is_counted_from_its_last_event() -> None:
    async with opened() as (sim, gate):
        sim.says(Says("Hello there.", tokens=Tokens(40, 4)))

        def call(client: openai.OpenAI) -> Any:
            return list(client.audio.transcriptions.create(model="any", file=("a.wav", silence()), stream=True))

        events = await called(gate, call)
        row = await gate.row(0)
    assert "".join(one.delta for one in events if one.type == "transcript.text.delta") == "Hello there."
    assert (row["input_tokens"], row["output_tokens"]) == (40, 4)
    assert row["cost"] == Money(40 * 2_500 + 4 * 10_000)


async def test_whisper_is_paid_by_the_second() -> None:
    async with opened() as (_, gate):
        made = await called(
            gate,
            lambda client: client.audio.transcriptions.create(
                model="any", file=("a.wav", silence()), response_format="verbose_json"
            ),
            "/whisper/v1",
        )
        row = await gate.row(0)
    assert made.duration == 1.0
    assert row["cost"] == Money(100_000)


async def test_moderations_pass_and_are_free() -> None:
    async with opened() as (sim, gate):
        sim.says(Says(Flags({"violence": 0.9})))
        made = await called(gate, lambda client: client.moderations.create(input=["one", "two"]))
        row = await gate.row(0)
    assert [one.flagged for one in made.results] == [True, True]
    assert made.results[0].categories.violence
    assert row["cost"] == Money(0)


async def test_a_form_with_a_field_twice_is_refused() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\na\r\n' * 2 + b"--x--\r\n"
    async with opened() as (_, gate):
        answer = await gate.send(
            "POST", "/v1/audio/transcriptions", headers={"content-type": "multipart/form-data; boundary=x"}, body=body
        )
    assert (answer.status, answer.json()["error"]["param"]) == (400, "model")
