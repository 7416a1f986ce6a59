"""Pictures by generateContent: https://ai.google.dev/gemini-api/docs/image-generation.

One request gives one answer, and an answer has one picture or a few; how many, the model decides. So `n` above 1 cannot be
asked for. A size becomes the nearest that Google has for it, a ratio; qualities it has none.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

from headgate.api import Line
from headgate.api.ai import Came, Counted, Drawing, Drawn, Dropped, Endpoint, Garbled, Image, Job, Unsupported, Written
from headgate_gemini import answers, paths

_HEADERS: Final[tuple[Line, ...]] = ((b"content-type", b"application/json"),)
_RATIOS: Final = {
    "1024x1024": "1:1", "512x512": "1:1", "256x256": "1:1", "1536x1024": "3:2", "1024x1536": "2:3", "1792x1024": "16:9",
    "1024x1792": "9:16",
}  # fmt: skip


class ImagesOut:
    """See `TaskOut`."""

    kind: Final = "image"
    dialect: Final = "gemini"

    def write(self, job: Job, to: Endpoint) -> Written:
        wants = job.wanted(Drawing)
        if wants.n > 1:
            raise Unsupported("It draws one picture at a time.", "n")
        if wants.mask is not None or wants.stream:
            raise Unsupported("It takes no masks, and streams no pictures.", "mask" if wants.mask else "stream")
        config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
        dropped = _dropped(wants)
        if wants.size in _RATIOS:
            config["imageConfig"] = {"aspectRatio": _RATIOS[wants.size]}
        parts: list[dict[str, Any]] = [{"text": wants.prompt}]
        for one in wants.images:
            parts.append({"inlineData": {"mimeType": one.mime, "data": base64.b64encode(one.data).decode()}})
        body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
        path = paths.written(to.model, "generateContent", to.options)
        return Written(path, msgspec.json.encode(body), _HEADERS, dropped=dropped.names)

    def read(self, job: Job, came: Came) -> Drawn:
        answer = answers.answer(came.data)
        images = [part.media for choice in answer.choices for part in choice.parts if isinstance(part, Image)]
        if not images:
            raise Garbled("without a picture")
        return Drawn(images=images, id=answer.id, model=answer.model, counted=answer.counted)

    def count(self, job: Job, came: Came) -> Counted | None:
        return answers.count(came.data)


def _dropped(wants: Drawing) -> Dropped:
    dropped = Dropped()
    said = {
        "size": None if wants.size in (None, "auto", *_RATIOS) else wants.size,
        "quality": wants.quality,
        "output_format": wants.format,
        "background": wants.background,
        "response_format": "url" if wants.as_url else None,
        "user": wants.user,
        **wants.extra,
    }
    for name, value in said.items():
        dropped.drop(name, value)
    return dropped
