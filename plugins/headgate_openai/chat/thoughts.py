"""What a model thought, as OpenRouter tells it: https://openrouter.ai/docs/use-cases/reasoning-tokens.

`format` says who made a proof or a seal; it goes back to nobody else.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api.ai import Reasoning

FORMATS: Final = {
    "anthropic": "anthropic-claude-v1", "openai-responses": "openai-responses-v1", "gemini": "google-gemini-v1",
}  # fmt: skip
_MAKERS: Final = {format: maker for maker, format in FORMATS.items()}


def thought_of(value: dict[str, Any]) -> Reasoning:
    """One of `reasoning_details`."""
    form = value.get("format")
    return Reasoning(
        value.get("text") or value.get("summary") or "",
        signature=value.get("signature"),
        sealed=value.get("data"),
        id=value.get("id"),
        summary=value.get("type") == "reasoning.summary",
        maker=_MAKERS.get(form, form) if isinstance(form, str) else None,
    )


def detail(part: Reasoning) -> dict[str, Any]:
    """A thought as OpenRouter tells it: https://openrouter.ai/docs/use-cases/reasoning-tokens."""
    if part.sealed is not None:
        body: dict[str, Any] = {"type": "reasoning.encrypted", "data": part.sealed}
    elif part.summary:
        body = {"type": "reasoning.summary", "summary": part.text}
    else:
        body = {"type": "reasoning.text", "text": part.text}
    for name, value in (("signature", part.signature), ("id", part.id)):
        if value is not None:
            body[name] = value
    if part.maker is not None:
        body["format"] = FORMATS.get(part.maker, part.maker)
    return body
