"""The most that a job can use, and what it is said to have used where nobody says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headgate.api import Money
from headgate.api.ai import Counted, Drawing, Embedding, Job, Rerank, Speech, Transcription, Upload
from headgate_ai.catalog import entry
from headgate_ai.providers import providers
from headgate_ai.tasks.bounds import bound_of
from headgate_ai.tasks.estimates import used
from headgate_ai.tasks.pieces import usage_in


def model(provider: str, name: str) -> Any:
    known = entry(providers()[provider], name)
    return SimpleNamespace(
        label=f"{provider}/{name}", name=name, prices=known.prices, most_output=known.most_output, context=known.context
    )


# A second of 8,000 samples of 8 bits.
WAVE = b"RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\x40\x1f\0\0" + b"\0" * 8000
SOUND = Upload("a.wav", "audio/wav", WAVE)
FLAC = Upload("a.flac", "audio/flac", b"fLaC" + b"\0" * 6000)


@pytest.mark.parametrize(
    ("wants", "provider", "name", "real"),
    [
        (Embedding(inputs=["hello"] * 10), "openai", "text-embedding-3-small", Counted(input_tokens=20)),
        (Embedding(inputs=[[1, 2, 3]]), "openai", "text-embedding-3-small", Counted(input_tokens=3)),
        (Rerank(query="q", documents=["d"] * 250), "cohere", "rerank-v3.5", Counted(searches=3)),
        (Speech(text="Hello!", voice="alloy"), "openai", "tts-1", Counted(characters=6)),
        (Transcription(file=SOUND), "openai", "whisper-1", Counted(seconds=1)),
        (Transcription(file=SOUND), "openai", "gpt-4o-transcribe", Counted(input_tokens=10, output_tokens=5)),
        (
            Drawing(prompt="p", n=2),
            "openai",
            "gpt-image-1",
            Counted(input_tokens=10, output_tokens=12480, output_image_tokens=12480),
        ),
        (Drawing(prompt="p"), "openai", "dall-e-3", Counted(images=1, size="1024x1024 standard")),
    ],
)
def test_no_job_costs_more_than_its_bound(wants: Any, provider: str, name: str, real: Counted) -> None:
    asked = model(provider, name)
    bound = bound_of(Job.of("m", wants), asked)
    cost = asked.prices.cost(real)
    assert bound.unbounded is None
    assert bound.cost is not None
    assert cost is not None
    assert Money(0) < cost <= bound.cost


@pytest.mark.parametrize(
    ("wants", "name"),
    [
        (Speech(text="Hello!", voice="alloy"), "gpt-4o-mini-tts"),
        (Drawing(prompt="p"), "gpt-image-2"),
        (Drawing(prompt="p", size="1x1"), "dall-e-3"),
        (Embedding(inputs=["hello"]), "a-model-that-nobody-knows"),
        # An hour of silence is 6 KB of FLAC, whatever it is called.
        (Transcription(file=FLAC), "whisper-1"),
        (Transcription(file=FLAC), "gpt-4o-transcribe"),
        (Transcription(file=Upload("a.wav", "audio/wav", FLAC.data)), "whisper-1"),
    ],
)
def test_what_has_no_known_end_or_price_is_unbounded(wants: Any, name: str) -> None:
    bound = bound_of(Job.of("m", wants), model("openai", name))
    assert bound.unbounded is not None
    assert bound.cost is None


def test_a_price_that_nobody_can_tell_is_absent_and_not_zero() -> None:
    for name in ("whisper-1", "tts-1", "dall-e-3"):
        assert model("openai", name).prices.cost(Counted(input_tokens=10)) is None


def test_where_nobody_counts_tokens_are_guessed_and_said_to_be() -> None:
    asked = model("gemini", "gemini-embedding-001")
    guessed = used(Job.of("m", Embedding(inputs=["x" * 40])), asked.prices, None)
    assert guessed == Counted(input_tokens=10, estimated=True)


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        (b'data: {"type":"done","usage":{"a":{"b":1},"c":2}}\n\n', b'{"usage":{"a":{"b":1},"c":2}}'),
        (b'data: {"usage" : {"a":1}}', b'{"usage":{"a":1}}'),
        (b'data: {"usage":null}', None),
        (b'data: {"usage":{"a":1', None),
        (b"sound", None),
    ],
)
def test_the_usage_of_a_stream_is_found_at_its_end(tail: bytes, found: bytes | None) -> None:
    assert usage_in(tail) == found
