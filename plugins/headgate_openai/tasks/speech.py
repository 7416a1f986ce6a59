"""POST /audio/speech: https://platform.openai.com/docs/api-reference/audio/createSpeech. The answer is sound, in pieces."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import Came, Counted, Endpoint, Job, Made, Rendered, Sent, Sound, Written, made_as
from headgate.api.ai import Speech as Wanted
from headgate_openai.tasks.fields import (
    NAME,
    body_of,
    decoded,
    left_out,
    maybe_number,
    maybe_text,
    passed,
    rest,
    text,
    written,
)

_KNOWN: Final = frozenset({"model", "input", "voice", "response_format", "speed", "instructions"})
PATH: Final = b"/audio/speech"


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Used(msgspec.Struct):
    usage: _Usage | None = None


_used = msgspec.json.Decoder(_Used)


class SpeechIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith("/audio/speech")

    def read(self, sent: Sent) -> Job:
        value = body_of(sent, _KNOWN, '{"model": …, "input": …, "voice": …}')
        wants = Wanted(
            text=text(value, "input"),
            voice=_voice(value.get("voice")),
            format=maybe_text(value, "response_format"),
            speed=maybe_number(value, "speed"),
            instructions=maybe_text(value, "instructions"),
            extra=rest(value, _KNOWN),
        )
        return Job.of(text(value, "model"), wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        sound = made_as(made, Sound)
        return Rendered(sound.mime, sound.data)


class SpeechOut:
    """See `TaskOut`."""

    kind: Final = "speech"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        if job.as_it_came(NAME):
            return passed(job, to, PATH)
        wants = job.wanted(Wanted)
        fields = {
            "model": to.model,
            "input": wants.text,
            "voice": wants.voice,
            "response_format": wants.format,
            "speed": wants.speed,
            "instructions": wants.instructions,
        }
        return written(PATH, fields, left_out(job, wants))

    def read(self, job: Job, came: Came) -> Sound:
        return Sound(data=came.data, mime=came.content_type)

    def count(self, job: Job, came: Came) -> Counted | None:
        if not came.data.startswith(b"{"):
            return None
        usage = decoded(came, _used, "count").usage
        return None if usage is None else Counted(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)


def _voice(given: Any) -> str:
    """A name, or an object with the id of a voice of one's own. NotStrict."""
    said = given.get("id") if isinstance(given, dict) else given
    if not isinstance(said, str) or not said:
        raise NotStrict("`voice` has to be the name of a voice.", "voice")
    return said
