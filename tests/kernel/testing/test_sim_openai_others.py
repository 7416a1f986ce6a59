"""OpenAI's own client asks the simulator for embeddings, pictures, voices, transcripts, verdicts and models."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import openai
import pytest
import trio

from headgate.testing.providers import Flags, Manners, OpenAI, Says, Tokens
from headgate.testing.providers.openai.media import dot, silence


async def called(sim: OpenAI, act: Callable[[openai.OpenAI], Any]) -> Any:
    with openai.OpenAI(api_key="sk-sim", base_url=sim.base_url, max_retries=0, timeout=10) as client:
        return await trio.to_thread.run_sync(act, client)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> OpenAI:
    return await OpenAI(key="sk-sim", models=("gpt-x", "gpt-y")).start(nursery)


async def test_embeddings_are_the_same_as_numbers_and_in_base64(sim: OpenAI) -> None:
    sim.says(Says(tokens=Tokens(5, 9)))
    # the client asks for base64 by itself
    packed = await called(sim, lambda client: client.embeddings.create(model="e", input=["a", "b"], dimensions=8))
    plain = await called(
        sim, lambda client: client.embeddings.create(model="e", input="a", dimensions=8, encoding_format="float")
    )
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert packed.data[0].embedding != packed.data[1].embedding
    assert (plain.usage.total_tokens, sim.billed) == (5, Tokens(10))
    with pytest.raises(openai.BadRequestError, match="empty string"):
        await called(sim, lambda client: client.embeddings.create(model="e", input=""))


async def test_pictures(sim: OpenAI) -> None:
    sim.says(Says(tokens=Tokens(5, 100)))
    got = await called(sim, lambda client: client.images.generate(model="gpt-image-1", prompt="a dot", n=2))
    assert [base64.b64decode(each.b64_json) for each in got.data] == [dot(), dot()]
    assert sim.billed == Tokens(5, 100, units=2)
    with pytest.raises(openai.BadRequestError, match="response_format"):
        await called(sim, lambda client: client.images.generate(model="gpt-image-1", prompt="a", response_format="url"))


async def test_a_voice(sim: OpenAI) -> None:
    got = await called(
        sim,
        lambda client: client.audio.speech.create(model="tts", voice="alloy", input="Hi", response_format="wav").read(),
    )
    assert got == silence()
    assert sim.billed.units == 1
    with pytest.raises(openai.BadRequestError, match="speed"):
        await called(sim, lambda client: client.audio.speech.create(model="tts", voice="alloy", input="Hi", speed=9))


async def test_transcripts(sim: OpenAI) -> None:
    sim.says(Says("Hello, all", tokens=Tokens(5, 3)))
    file = ("a.wav", silence())
    got = await called(sim, lambda client: client.audio.transcriptions.create(model="w", file=file))
    assert (got.text, got.usage.output_tokens) == ("Hello, all", 3)
    assert sim.received[0].body["file"].data == silence()
    got = await called(
        sim, lambda client: client.audio.transcriptions.create(model="w", file=file, response_format="srt")
    )
    assert "Hello, all" in got
    got = await called(
        sim, lambda client: client.audio.transcriptions.create(model="w", file=file, response_format="verbose_json")
    )
    assert got.language == "english"
    got = await called(sim, lambda client: list(client.audio.transcriptions.create(model="w", file=file, stream=True)))
    assert [event.type for event in got][-1] == "transcript.text.done"
    assert "".join(event.delta for event in got[:-1]) == "Hello, all"
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'mood'"):
        await called(
            sim,
            lambda client: client.audio.transcriptions.create(model="w", file=file, extra_body={"mood": "glad"}),
        )


async def test_verdicts_are_free(sim: OpenAI) -> None:
    sim.says(Says(), Says(Flags({"violence": 0.9})))
    clean, flagged = [
        (await called(sim, lambda client: client.moderations.create(input="x"))).results[0] for _ in range(2)
    ]
    assert (clean.flagged, flagged.flagged, flagged.categories.violence) == (False, True, True)
    assert flagged.category_scores.violence == 0.9
    assert sim.bills == []


async def test_models_are_listed(sim: OpenAI) -> None:
    got = await called(sim, lambda client: [model.id for model in client.models.list()])
    assert got == ["gpt-x", "gpt-y"]


async def test_what_is_not_there_is_not_found(sim: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Unknown request URL"):
        await called(sim, lambda client: client.post("/thoughts", cast_to=object, body={}))


async def test_a_whole_answer_can_break_off(sim: OpenAI) -> None:
    sim.says(Says("Hello", tokens=Tokens(1, 2), manners=Manners(dies_after=0, how="reset")))
    with pytest.raises(openai.APIConnectionError):
        await called(
            sim,
            lambda client: client.chat.completions.create(model="x", messages=[{"role": "user", "content": "Hi"}]),
        )
    assert sim.billed == Tokens(1, 2)


async def test_a_file_is_found_by_the_key_that_sent_it_alone(nursery: trio.Nursery) -> None:
    sim = await OpenAI().start(nursery)

    def call() -> tuple[bytes, str]:
        with openai.OpenAI(base_url=sim.base_url, api_key="mine", max_retries=0) as client:
            sent = client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
            content = client.files.content(sent.id).read()
        with openai.OpenAI(base_url=sim.base_url, api_key="another's", max_retries=0) as client:
            with pytest.raises(openai.NotFoundError):
                client.files.retrieve(sent.id)
            with pytest.raises(openai.BadRequestError):
                client.files.create(file=("a.jsonl", b"{}"), purpose="nothing")  # type: ignore[arg-type]
        return content, sent.filename

    assert await trio.to_thread.run_sync(call) == (b"{}", "a.jsonl")
    assert sim.bills == []
