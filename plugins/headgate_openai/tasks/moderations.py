"""POST /moderations: https://platform.openai.com/docs/api-reference/moderations."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import NotStrict
from headgate.api.ai import (
    Came,
    Counted,
    Endpoint,
    Job,
    Made,
    Media,
    Moderation,
    Rendered,
    Sent,
    Verdict,
    Verdicts,
    Written,
    made_as,
)
from headgate_openai.tasks.fields import NAME, body_of, decoded, left_out, maybe_text, passed, rest, written

_KNOWN: Final = frozenset({"model", "input"})
# What the API judges with where nothing is said.
_USUAL: Final = "omni-moderation-latest"
PATH: Final = b"/moderations"


class _Result(msgspec.Struct):
    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, float]


class _Whole(msgspec.Struct):
    results: list[_Result]
    id: str | None = None
    model: str | None = None


_wholes = msgspec.json.Decoder(_Whole)


class ModerationsIn:
    """See `TaskIn`."""

    def answers(self, path: str) -> bool:
        return path.endswith("/moderations")

    def read(self, sent: Sent) -> Job:
        value = body_of(sent, _KNOWN, '{"input": …}')
        inputs, images = _inputs(value.get("input"))
        wants = Moderation(inputs=inputs, images=images, extra=rest(value, _KNOWN))
        return Job.of(maybe_text(value, "model") or _USUAL, wants, dialect=NAME, sent=sent)

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        verdicts = made_as(made, Verdicts)
        whole = {
            "id": verdicts.id or "modr-1",
            "model": verdicts.model or job.model,
            "results": [
                {"flagged": one.flagged, "categories": one.categories, "category_scores": one.scores}
                for one in verdicts.verdicts
            ],
        }
        return Rendered("application/json", msgspec.json.encode(whole))


class ModerationsOut:
    """See `TaskOut`. It is free: https://platform.openai.com/docs/guides/moderation."""

    kind: Final = "moderation"
    dialect: Final = NAME

    def write(self, job: Job, to: Endpoint) -> Written:
        if job.as_it_came(NAME):
            return passed(job, to, PATH)
        wants = job.wanted(Moderation)
        said: object = wants.inputs
        if wants.images:
            texts: list[dict[str, Any]] = [{"type": "text", "text": one} for one in wants.inputs]
            said = texts + [{"type": "image_url", "image_url": {"url": one.url}} for one in wants.images]
        return written(PATH, {"model": to.model, "input": said}, left_out(job, wants))

    def read(self, job: Job, came: Came) -> Verdicts:
        whole = decoded(came, _wholes, "moderation")
        return Verdicts(verdicts=[_verdict(one) for one in whole.results], id=whole.id, model=whole.model)

    def count(self, job: Job, came: Came) -> Counted | None:
        decoded(came, _wholes, "moderation")
        return None


def _verdict(one: _Result) -> Verdict:
    return Verdict(one.flagged, {name: bool(said) for name, said in one.categories.items()}, one.category_scores)


def _inputs(given: Any) -> tuple[list[str], list[Media]]:
    """A text, a list of texts, or a list of parts that are texts or pictures. NotStrict."""
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not given:
        raise NotStrict("`input` has to be a text, or a list of texts or of parts.", "input")
    texts, images = [], []
    for place, one in enumerate(given):
        match one:
            case str() | {"type": "text", "text": str()}:
                texts.append(one if isinstance(one, str) else one["text"])
            case {"type": "image_url", "image_url": {"url": str() as url}}:
                images.append(Media(url=url))
            case _:
                raise NotStrict(
                    f"`input[{place}]` has to be a text, or a part that is a text or an image.", f"input[{place}]"
                )
    return texts, images
