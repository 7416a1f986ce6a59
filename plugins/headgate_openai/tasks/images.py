"""POST /images/generations and /images/edits: https://platform.openai.com/docs/api-reference/images.

Clients of edits send a form. What a model is paid by (tokens, or the piece) the answer says, or nobody does.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import (
    Came,
    Counted,
    Drawing,
    Drawn,
    Endpoint,
    Job,
    Made,
    Media,
    Rendered,
    Sent,
    Upload,
    Written,
    made_as,
)
from headgate_openai.tasks import forms
from headgate_openai.tasks.fields import (
    NAME,
    body_of,
    decoded,
    left_out,
    maybe_bool,
    maybe_count,
    maybe_text,
    passed,
    rest,
    text,
    written,
)

_KNOWN: Final = frozenset({
    "model", "prompt", "n", "size", "quality", "output_format", "background", "response_format", "stream", "user", "image",
    "image[]", "mask",
})  # fmt: skip
_MOST: Final = 10
# What the API draws with where nothing is said.
_USUAL: Final = "dall-e-2"
GENERATIONS: Final = b"/images/generations"
EDITS: Final = b"/images/edits"


class _Details(msgspec.Struct):
    text_tokens: int = 0
    image_tokens: int = 0


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Image(msgspec.Struct):
    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None


class _Whole(msgspec.Struct):
    data: list[_Image]
    created: int | None = None
    output_format: str | None = None
    usage: _Usage | None = None


class _Used(msgspec.Struct):
    data: list[dict[str, Any]] = []
    usage: _Usage | None = None


_wholes = msgspec.json.Decoder(_Whole)
_used = msgspec.json.Decoder(_Used)


class ImagesIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith(("/images/generations", "/images/edits"))

    def read(self, sent: Sent) -> Job:
        if sent.path.endswith("/edits"):
            return _edit(sent)
        value = body_of(sent, _KNOWN, '{"model": …, "prompt": …}')
        wants = Drawing(
            prompt=text(value, "prompt"),
            n=_few(maybe_count(value, "n") or 1),
            size=maybe_text(value, "size"),
            quality=maybe_text(value, "quality"),
            format=maybe_text(value, "output_format"),
            background=maybe_text(value, "background"),
            as_url=maybe_text(value, "response_format") == "url",
            stream=maybe_bool(value, "stream"),
            user=maybe_text(value, "user"),
            extra=rest(value, _KNOWN),
        )
        return Job.of(maybe_text(value, "model") or _USUAL, wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        drawn = made_as(made, Drawn)
        whole: dict[str, Any] = {
            "created": drawn.created or int(at),
            "data": [_image(one, drawn, place) for place, one in enumerate(drawn.images)],
        }
        if (counted := drawn.counted) is not None and counted.input_tokens + counted.output_tokens:
            images = counted.input_image_tokens
            whole["usage"] = {
                "input_tokens": counted.input_tokens,
                "input_tokens_details": {"text_tokens": counted.input_tokens - images, "image_tokens": images},
                "output_tokens": counted.output_tokens,
                "total_tokens": counted.input_tokens + counted.output_tokens,
            }
        return Rendered("application/json", msgspec.json.encode(whole))


class ImagesOut:
    """See `TaskOut`."""

    kind: Final = "image"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        wants = job.wanted(Drawing)
        edits = bool(wants.images)
        if job.as_it_came(NAME):
            return forms.passed(job, to, EDITS) if edits else passed(job, to, GENERATIONS)
        fields: dict[str, Any] = {
            "model": to.model,
            "prompt": wants.prompt,
            "n": wants.n,
            "size": wants.size,
            "quality": wants.quality,
            "output_format": wants.format,
            "background": wants.background,
            "user": wants.user,
        }
        if to.model.startswith("dall-e"):
            fields["response_format"] = "url" if wants.as_url else "b64_json"
        dropped = left_out(job, wants)
        if not edits:
            return written(GENERATIONS, fields, dropped)
        files = [("image[]" if len(wants.images) > 1 else "image", one) for one in wants.images]
        return forms.written(EDITS, fields, [*files, *_mask(wants.mask)], dropped.names)

    def read(self, job: Job, came: Came) -> Drawn:
        whole = decoded(came, _wholes, "list of images")
        mime = f"image/{whole.output_format or 'png'}"
        return Drawn(
            images=[Media(mime=mime, url=one.url, data=one.b64_json) for one in whole.data],
            revised=[one.revised_prompt for one in whole.data],
            created=whole.created,
            counted=_counted(whole.usage, len(whole.data)),
        )

    def count(self, job: Job, came: Came) -> Counted | None:
        used = decoded(came, _used, "list of images")
        return _counted(used.usage, len(used.data))


def _edit(sent: Sent) -> Job:
    form = forms.Form(sent)
    images, masks, prompt = form.files("image"), form.files("mask"), form.text("prompt")
    if not images or prompt is None:
        raise NotStrict("An edit needs `image`, a file, and `prompt`.", "prompt" if images else "image")
    wants = Drawing(
        prompt=prompt,
        n=_few(int(form.number("n") or 1)),
        size=form.text("size"),
        quality=form.text("quality"),
        format=form.text("output_format"),
        background=form.text("background"),
        as_url=form.text("response_format") == "url",
        images=images,
        mask=masks[0] if masks else None,
        stream=form.flag("stream"),
        user=form.text("user"),
        extra=form.rest(_KNOWN),
    )
    return Job.of(form.text("model") or _USUAL, wants, dialect=NAME, sent=sent)


def _few(n: int) -> int:
    if not 1 <= n <= _MOST:
        raise NotStrict(f"`n` has to be a whole number from 1 to {_MOST}.", "n")
    return n


def _image(media: Media, drawn: Drawn, place: int) -> dict[str, Any]:
    said = {"url": media.url} if media.url is not None else {"b64_json": media.data}
    revised = drawn.revised[place] if place < len(drawn.revised) else None
    return said if revised is None else {**said, "revised_prompt": revised}


def _mask(mask: Upload | None) -> list[tuple[str, Upload]]:
    return [] if mask is None else [("mask", mask)]


def _counted(usage: _Usage | None, images: int) -> Counted | None:
    """What is drawn is all of the output, where the answer does not say otherwise."""
    if usage is None:
        return Counted(images=images) if images else None
    asked, drawn = usage.input_tokens_details, usage.output_tokens_details
    return Counted(
        input_tokens=usage.input_tokens,
        input_image_tokens=asked.image_tokens if asked is not None else 0,
        output_tokens=usage.output_tokens,
        output_image_tokens=drawn.image_tokens if drawn is not None else usage.output_tokens,
        images=images,
    )
