"""`generationConfig`, written: https://ai.google.dev/api/generate-content#generationconfig."""

from __future__ import annotations

from typing import Any, Final

from headgate.api.ai import Chat, Content, Dropped, Endpoint, Format, Thinking
from headgate_gemini.config import FORMAT, PLAIN, answer_format
from headgate_gemini.contents import generation

# What Google itself makes of an effort, for models that take a budget: https://ai.google.dev/gemini-api/docs/openai.
BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576}
LEVELS: Final = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH"}


def write_settings(chat: Chat, content: Content, to: Endpoint, dropped: Dropped, *, own: bool) -> dict[str, Any] | None:
    """All settings, or None where there are none."""
    rest = dict(content.extra.get("generationConfig") or {}) if own else {}
    made: dict[str, Any] = {"maxOutputTokens": chat.max_tokens, "temperature": chat.temperature, "topP": chat.top_p}
    for name, field in PLAIN:
        made[name] = getattr(content, field)
    made["stopSequences"] = content.stop or None
    made["responseModalities"] = None if content.modalities is None else [one.upper() for one in content.modalities]
    if content.audio is not None and not own:
        made["speechConfig"] = _speech(content.audio, dropped)
    came = (chat.raw().get("generationConfig") or {}) if own else {}
    made |= _format(content.format, rest, {name: came[name] for name in FORMAT if name in came}, dropped, own=own)
    if content.thinking is not None:
        made["thinkingConfig"] = _thinking(content.thinking, to, dropped, own=own) or None
    return {name: value for name, value in {**rest, **made}.items() if value is not None} or None


def _format(
    form: Format | None, rest: dict[str, Any], came: dict[str, Any], dropped: Dropped, *, own: bool
) -> dict[str, Any]:
    if own and answer_format(came) == form:
        return came
    for name in FORMAT:
        rest.pop(name, None)
    if form is None:
        return {}
    if form.kind == "text":
        return {"responseMimeType": "text/plain"}
    if not own:
        for name in ("strict", "description"):
            dropped.drop(f"response_format.{name}", getattr(form, name) or None)
    return {"responseMimeType": "application/json", "responseJsonSchema": form.schema}


def _thinking(thinking: Thinking, to: Endpoint, dropped: Dropped, *, own: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if thinking.shown is not None:
        made["includeThoughts"] = thinking.shown
    if own:
        made |= {"thinkingLevel": thinking.effort and thinking.effort.upper(), "thinkingBudget": thinking.budget_tokens}
        return {name: value for name, value in {**made, **thinking.extra}.items() if value is not None}
    for name, value in thinking.extra.items():
        dropped.drop(f"thinking.{name}", value)
    if thinking.budget_tokens is not None:
        return made | {"thinkingBudget": thinking.budget_tokens}
    return made | _effort(thinking.effort, to, dropped)


def _effort(effort: str | None, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    """An effort as a level, which models have from Gemini 3 on, or as a budget. Either has less than `xhigh`."""
    levels = (generation(to.model) or 3) >= 3
    said = (LEVELS if levels else BUDGETS).get(effort or "")
    if effort is not None and (said is None or effort == "xhigh"):
        dropped.drop("reasoning_effort", effort)
    return {} if said is None else {"thinkingLevel" if levels else "thinkingBudget": said}


def _speech(audio: dict[str, Any], dropped: Dropped) -> dict[str, Any] | None:
    dropped.drop("audio.format", audio.get("format"))
    if not isinstance(audio.get("voice"), str):
        return None
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": audio["voice"]}}}
