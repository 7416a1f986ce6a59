"""What a client may ask of a session, and what of that can be measured. Pure, but for `hush`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.api import Closing
from headgate_ai.realtime.events import part, transcriber
from headgate_ai.realtime.tab import POLICY
from headgate_ai.referring import Policy

if TYPE_CHECKING:
    from headgate_ai.models import Model


def check(asked: object, model: Model, allowed: frozenset[str] | None, references: Policy) -> None:
    """That a session, or an answer, is asked for with models that the caller may use, and with nobody else's prompt.
    Closing."""
    if not isinstance(asked, dict):
        return
    if asked.get("prompt") is not None and references == "own":
        raise Closing(POLICY, "ai.unsupported: A prompt that the provider holds may be another team's.")
    named = asked.get("model")
    if named is not None and named != model.name:
        raise Closing(POLICY, "ai.forbidden: The model of a session is chosen when it is opened.")
    _, name = transcriber(asked)
    if name is not None and allowed is not None and name not in allowed:
        raise Closing(POLICY, f"ai.forbidden: You may not use the model `{name[:64]}`.")


def hush(detects: object) -> bool:
    """Have a provider that detects turns not answer by itself; whether it would have."""
    if not isinstance(detects, dict):
        return False
    would = detects.get("create_response") is not False
    # It would begin an answer when nobody says anything for so long.
    detects.pop("idle_timeout_ms", None)
    detects["create_response"] = False
    return would


def unmeasured(asked: dict[str, Any]) -> str | None:
    """Why nobody here knows how much the input of an answer will be, as half a sentence; None where it is known."""
    tools = asked.get("tools")
    run = next((one for one in tools if part(one, "type") != "function"), None) if isinstance(tools, list) else None
    if run is not None:
        return f"the tool `{str(part(run, 'type'))[:64]}` is run by the provider"
    return "a stored prompt has no known size" if asked.get("prompt") is not None else None


def has_picture(asked: dict[str, Any]) -> bool:
    """Whether an event, or an answer that is asked for, holds a picture."""
    items = asked.get("input")
    for item in [asked.get("item"), *(items if isinstance(items, list) else ())]:
        content = part(item, "content")
        if isinstance(content, list) and any(part(one, "type") == "input_image" for one in content):
            return True
    return False
