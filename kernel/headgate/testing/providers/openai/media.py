"""POST /images/generations, /audio/speech and /audio/transcriptions.

https://platform.openai.com/docs/api-reference/images, https://platform.openai.com/docs/api-reference/audio.
"""

from __future__ import annotations

import base64
import re
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

from openai.types import ImagesResponse
from openai.types.audio import (
    SpeechCreateParams,
    Transcription,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
)
from openai.types.audio.transcription_create_params import (
    TranscriptionCreateParamsNonStreaming,
    TranscriptionCreateParamsStreaming,
)
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming

from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn, refuse
from headgate.testing.providers.forms import Upload
from headgate.testing.providers.frames import Frame, compact, cut, sse
from headgate.testing.providers.openai.refusing import checked, in_range, said
from headgate.testing.providers.says import Tokens
from headgate.testing.providers.strict import Misfit, conforms


class Images:
    """Pictures of one dot. They are paid by the tokens of the script, and counted in `units`."""

    method = "POST"
    pattern = re.compile("/images/generations")

    def check(self, asked: Asked) -> None:
        body = checked(asked, ImageGenerateParamsNonStreaming)
        in_range(body, "n", 1, 10)
        if (body.get("model") or "").startswith("gpt-image") and "response_format" in body:
            raise refuse("Unknown parameter: 'response_format'.", param="response_format")

    def reply(self, turn: Turn) -> Reply:
        body, tokens = turn.asked.body, turn.tokens
        count = body.get("n") or 1
        as_url = body.get("response_format") == "url"
        image = {"url": "https://images.invalid/dot.png"} if as_url else {"b64_json": base64.b64encode(dot()).decode()}
        whole = {
            "created": int(time.time()),
            "data": [image] * count,
            "usage": {
                "input_tokens": tokens.input,
                "input_tokens_details": {"text_tokens": tokens.input, "image_tokens": 0},
                "output_tokens": tokens.output,
                "total_tokens": tokens.input + tokens.output,
            },
        }
        conforms(whole, ImagesResponse)
        return Reply(compact(whole), costs=Tokens(tokens.input, tokens.output, units=count))


def dot() -> bytes:
    """A PNG of one black pixel (https://www.w3.org/TR/png-3/)."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def silence(seconds: float = 0.1) -> bytes:
    """A WAV of nothing: 8 kHz, 8 bits, one channel."""
    samples = b"\x80" * int(8000 * seconds)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    data = b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(form) + len(data)) + b"WAVE" + form + data


AUDIO = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


class Speech:
    """Silence, in pieces. The bytes are those of a WAV whatever form was asked for; the content type is that form's."""

    method = "POST"
    pattern = re.compile("/audio/speech")

    def check(self, asked: Asked) -> None:
        body = checked(asked, SpeechCreateParams)
        in_range(body, "speed", 0.25, 4)
        if not 0 < len(body["input"]) <= 4096:
            raise refuse("Invalid 'input': expected a string of 1 to 4096 characters.", param="input")

    def reply(self, turn: Turn) -> Reply:
        body = turn.asked.body
        costs = Tokens(turn.tokens.input, turn.tokens.output, units=1)
        if body.get("stream_format") == "sse":
            return Reply(frames=self._events(turn), content_type=EVENTS, costs=costs)
        frames = [Frame(piece, len(piece)) for piece in cut(silence(), 100)]
        return Reply(frames=frames, content_type=AUDIO[body.get("response_format") or "mp3"], costs=costs)

    def _events(self, turn: Turn) -> Iterator[Frame]:
        for piece in cut(silence(), 100):
            delta = {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
            yield sse(delta, produced=len(piece))
        yield sse({"type": "speech.audio.done", "usage": usage(turn.tokens)}, last=True)


def usage(tokens: Tokens) -> dict[str, int]:
    """The counts of audio."""
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
    }


class Transcriptions:
    """The words of the script, whatever the recording says."""

    method = "POST"
    pattern = re.compile("/audio/transcriptions")

    def check(self, asked: Asked) -> None:
        form = typed(asked)
        try:
            conforms(
                form,
                TranscriptionCreateParamsStreaming if form.get("stream") else TranscriptionCreateParamsNonStreaming,
            )
        except Misfit as misfit:
            raise said(misfit) from None
        if not asked.body["file"].data:
            raise refuse("Audio file is too short. Minimum audio length is 0.1 seconds.", param="file")
        in_range(form, "temperature", 0, 1)

    def reply(self, turn: Turn) -> Reply:
        form, text = typed(turn.asked), turn.says.words
        wanted = form.get("response_format", "json")
        if form.get("stream"):
            return Reply(frames=self._events(turn), content_type=EVENTS)
        if wanted in ("text", "srt", "vtt"):
            return Reply(SPOKEN[wanted].format(text=text).encode(), content_type="text/plain; charset=utf-8")
        whole: dict[str, Any] = {"text": text, "usage": {"type": "tokens", **usage(turn.tokens)}}
        if wanted == "verbose_json":
            whole = {"text": text, "duration": 1.0, "language": "english", "usage": {"type": "duration", "seconds": 1}}
        conforms(whole, TranscriptionVerbose if wanted == "verbose_json" else Transcription)
        return Reply(compact(whole))

    def _events(self, turn: Turn) -> Iterator[Frame]:
        for piece in turn.says.pieces.of_text(turn.says.words):
            yield self._event({"type": "transcript.text.delta", "delta": piece}, produced=len(piece))
        done = {"type": "transcript.text.done", "text": turn.says.words}
        yield self._event({**done, "usage": {"type": "tokens", **usage(turn.tokens)}})
        yield Frame(b"data: [DONE]\n\n", last=True)

    def _event(self, event: dict[str, Any], *, produced: int = 0) -> Frame:
        conforms(event, TranscriptionStreamEvent)
        return sse(event, produced=produced)


SPOKEN = {
    "text": "{text}\n",
    "srt": "1\n00:00:00,000 --> 00:00:01,000\n{text}\n\n",
    "vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{text}\n\n",
}


def typed(asked: Asked) -> dict[str, Any]:
    """The fields of the form, each of its type; a file stands by its name."""
    if not isinstance(asked.body, dict):
        raise refuse("Invalid request: expected multipart/form-data.")
    return {name: _typed(name, value) for name, value in asked.body.items()}


def _typed(name: str, value: Any) -> Any:
    if isinstance(value, Upload):
        return value.name
    if name == "stream":
        return value == "true"
    if name == "temperature":
        return float(value) if re.fullmatch(r"[0-9.]+", value) else value
    return value
