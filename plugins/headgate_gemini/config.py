"""`generationConfig` and `toolConfig`, read: https://ai.google.dev/api/generate-content#generationconfig."""

from __future__ import annotations

from typing import Any, Final

from headgate.api import ANSWERS, ANY_COUNT, MOST_COUNT, SEED, NotStrict, a_bool, check_counts, check_numbers
from headgate.api.ai import Content, Format, Thinking, ToolChoice
from headgate_gemini import names
from headgate_gemini.schemas import json_schema

# Google's name and ours.
PLAIN: Final = (
    ("stopSequences", "stop"),
    ("seed", "seed"),
    ("topK", "top_k"),
    ("candidateCount", "n"),
    ("presencePenalty", "presence_penalty"),
    ("frequencyPenalty", "frequency_penalty"),
    ("responseLogprobs", "logprobs"),
    ("logprobs", "top_logprobs"),
)
_COUNTS: Final = {
    "maxOutputTokens": ANY_COUNT, "candidateCount": ANSWERS, "seed": SEED, "logprobs": (0, MOST_COUNT),
}  # fmt: skip
_NUMBERS: Final = ("temperature", "topP", "topK", "presencePenalty", "frequencyPenalty")
# -1 leaves the budget to the model.
_THINKING: Final = {"thinkingBudget": (-1, MOST_COUNT)}
_WHERE: Final = "generationConfig."
FIVE: Final = ("maxOutputTokens", "temperature", "topP")
FORMAT: Final = ("responseMimeType", "responseSchema", "responseJsonSchema")


def check(config: dict[str, Any]) -> None:
    """Every number is one. NotStrict."""
    check_counts(config, _COUNTS, _WHERE)
    check_numbers(config, _NUMBERS, _WHERE)
    a_bool(config.get("responseLogprobs"), f"{_WHERE}responseLogprobs")
    if config.get("stopSequences") is not None and not isinstance(config["stopSequences"], list):
        raise NotStrict("`generationConfig.stopSequences` has to be a list.", "generationConfig.stopSequences")
    how = config.get("thinkingConfig")
    if how is not None:
        check_counts(names.THINKING.read(how, f"{_WHERE}thinkingConfig"), _THINKING, f"{_WHERE}thinkingConfig.")


def fields(config: dict[str, Any], content: Content) -> None:
    """Put every setting where it belongs; what has no field of its own is kept under `extra`. NotStrict."""
    rest = {name: value for name, value in config.items() if name not in FIVE}
    for name, own in PLAIN:
        value = rest.pop(name, None)
        if value is not None:
            setattr(content, own, int(value) if own == "top_k" and float(value).is_integer() else value)
    content.format = answer_format(rest)
    if content.format is not None:
        for name in FORMAT:
            rest.pop(name, None)
    if rest.get("thinkingConfig") is not None:
        content.thinking = thinking(names.THINKING.read(rest.pop("thinkingConfig"), "generationConfig.thinkingConfig"))
    modalities = rest.pop("responseModalities", None)
    content.modalities = None if modalities is None else [str(one).lower() for one in modalities]
    if rest:
        content.extra["generationConfig"] = rest


def answer_format(config: dict[str, Any]) -> Format | None:
    """What the answer has to look like, as far as `Format` can say it."""
    kind = config.get("responseMimeType")
    schema = config.get("responseJsonSchema")
    if schema is None and config.get("responseSchema") is not None:
        schema = json_schema(config["responseSchema"])
    if schema is not None and kind in (None, "application/json"):
        return Format("schema", schema=schema)
    return {"application/json": Format("json"), "text/plain": Format("text")}.get(kind or "")


def thinking(config: dict[str, Any]) -> Thinking:
    """How much to think. A budget of -1 is the model's own choice, which is no number of tokens."""
    extra = dict(config)
    level = extra.pop("thinkingLevel", None)
    budget = extra.get("thinkingBudget")
    if budget != -1:
        extra.pop("thinkingBudget", None)
    shown = extra.pop("includeThoughts", None)
    return Thinking(level and str(level).lower(), None if budget == -1 else budget, shown, extra)


def tool_choice(config: dict[str, Any]) -> ToolChoice | None:
    """Whether functions are to be called, as far as `ToolChoice` can say it."""
    if config.get("functionCallingConfig") is None:
        return None
    calling = names.CALLING.read(config["functionCallingConfig"], "toolConfig.functionCallingConfig")
    allowed = calling.get("allowedFunctionNames") or []
    match str(calling.get("mode") or "AUTO").upper():
        case "NONE":
            return ToolChoice("none")
        case "ANY" if len(allowed) == 1:
            return ToolChoice("tool", allowed[0])
        case "ANY":
            return ToolChoice("required")
        case _:
            return ToolChoice("auto")
