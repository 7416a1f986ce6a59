"""POST /audio/transcriptions and /audio/translations: https://platform.openai.com/docs/api-reference/audio.

Clients send a form, and get JSON, or the words alone (`text`, `srt`, `vtt`), or a stream of events.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api.ai import (
    Came,
    Counted,
    Endpoint,
    Job,
    Made,
    Rendered,
    Segment,
    Sent,
    Transcript,
    Transcription,
    Written,
    made_as,
)
from headgate_openai.tasks import forms
from headgate_openai.tasks.fields import NAME, decoded, left_out

_KNOWN: Final = frozenset({"model", "file", "language", "prompt", "response_format", "temperature", "stream"})
_USUAL: Final = "whisper-1"
TRANSCRIPTIONS: Final = b"/audio/transcriptions"
TRANSLATIONS: Final = b"/audio/translations"


class _Details(msgspec.Struct):
    text_tokens: int = 0
    audio_tokens: int = 0


class _Usage(msgspec.Struct):
    """By tokens, or by seconds (`duration`)."""

    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    input_token_details: _Details | None = None


class _Segment(msgspec.Struct):
    text: str
    start: float
    end: float


class _Whole(msgspec.Struct):
    text: str
    language: str | None = None
    duration: float | str | None = None
    segments: list[_Segment] = []
    usage: _Usage | None = None


class _Used(msgspec.Struct):
    usage: _Usage | None = None
    duration: float | str | None = None


_wholes = msgspec.json.Decoder(_Whole)
_used = msgspec.json.Decoder(_Used)


class TranscriptionsIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith(("/audio/transcriptions", "/audio/translations"))

    def read(self, sent: Sent) -> Job:
        form = forms.Form(sent)
        wants = Transcription(
            file=form.file("file"),
            language=form.text("language"),
            prompt=form.text("prompt"),
            format=form.text("response_format") or "json",
            temperature=form.number("temperature"),
            translates=sent.path.endswith("/translations"),
            stream=form.flag("stream"),
            extra=form.rest(_KNOWN),
        )
        return Job.of(form.text("model") or _USUAL, wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        wants, transcript = job.wanted(Transcription), made_as(made, Transcript)
        if wants.format in ("text", "srt", "vtt"):
            return Rendered("text/plain; charset=utf-8", _words(transcript, wants.format).encode())
        whole: dict[str, Any] = {"text": transcript.text}
        if wants.format == "verbose_json":
            whole["language"] = transcript.language or wants.language or ""
            whole["duration"] = transcript.duration or 0.0
            whole["segments"] = [{"id": place, **_segment(one)} for place, one in enumerate(transcript.segments)]
        counted = transcript.counted
        if counted is not None and counted.seconds:
            whole["usage"] = {"type": "duration", "seconds": counted.seconds}
        elif counted is not None:
            total = counted.input_tokens + counted.output_tokens
            whole["usage"] = {
                "type": "tokens", "input_tokens": counted.input_tokens, "output_tokens": counted.output_tokens,
                "total_tokens": total,
            }  # fmt: skip
        return Rendered("application/json", msgspec.json.encode(whole))


class TranscriptionsOut:
    """See `TaskOut`."""

    kind: Final = "transcription"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        wants = job.wanted(Transcription)
        path = TRANSLATIONS if wants.translates else TRANSCRIPTIONS
        if job.as_it_came(NAME):
            return forms.passed(job, to, path)
        fields: dict[str, object] = {
            "model": to.model,
            "language": wants.language,
            "prompt": wants.prompt,
            "temperature": wants.temperature,
        }
        if to.model.startswith("whisper"):
            # Only Whisper says how long the recording is, which is what it is paid by.
            fields["response_format"] = "verbose_json"
        return forms.written(path, fields, [("file", wants.file)], left_out(job, wants).names)

    def read(self, job: Job, came: Came) -> Transcript:
        whole = decoded(came, _wholes, "transcript")
        return Transcript(
            text=whole.text,
            language=whole.language,
            duration=_seconds(whole.duration),
            segments=[Segment(one.text, one.start, one.end) for one in whole.segments],
            counted=_counted(whole.usage, whole.duration),
        )

    def count(self, job: Job, came: Came) -> Counted | None:
        if job.wanted(Transcription).format in ("text", "srt", "vtt"):
            return None
        used = decoded(came, _used, "transcript")
        return _counted(used.usage, used.duration)


def _counted(usage: _Usage | None, duration: float | str | None) -> Counted | None:
    """The seconds that are paid for are the usage's; without it, those of the recording."""
    seconds = _seconds(duration) or 0.0
    if usage is None:
        return Counted(seconds=seconds) if seconds else None
    details = usage.input_token_details
    return Counted(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        input_audio_tokens=details.audio_tokens if details is not None else 0,
        seconds=usage.seconds or seconds,
    )


def _seconds(said: float | str | None) -> float | None:
    try:
        return None if said is None else float(said)
    except ValueError:
        return None


def _segment(one: Segment) -> dict[str, Any]:
    return {"text": one.text, "start": one.start, "end": one.end}


def _words(transcript: Transcript, form: str) -> str:
    """The text alone, or with its times: SubRip, or WebVTT (https://www.w3.org/TR/webvtt1)."""
    if form == "text":
        return transcript.text + "\n"
    mark = "," if form == "srt" else "."
    segments = transcript.segments or [Segment(transcript.text, 0.0, transcript.duration or 0.0)]
    blocks = [f"{_time(one.start, mark)} --> {_time(one.end, mark)}\n{one.text.strip()}\n\n" for one in segments]
    if form == "vtt":
        return "WEBVTT\n\n" + "".join(blocks)
    return "".join(f"{place}\n{block}" for place, block in enumerate(blocks, 1))


def _time(seconds: float, mark: str) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}{mark}{whole % 1000:03}"
