"""Which models a batch asks: in its body (Anthropic, Mistral), or in the lines of the file that it is made of (OpenAI)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, Final

from headgate.api import ClientFault, FormPart, NotStrict, decode_strictly, read_form

_LONGEST: Final = 200
# What a file is for, where its lines are questions.
_BATCH: Final = "batch"


def check_body(body: Any, allowed: Container[str]) -> None:
    """ClientFault where a batch asks a model that is not allowed."""
    if not isinstance(body, dict):
        return
    if body.get("agent_id") is not None:
        raise _refused("an agent, whose model nobody here knows")
    asked = [body["model"]] if body.get("model") is not None else []
    for one in body.get("requests") or ():
        asked += [_inner(one, "params"), _inner(one, "body")] if isinstance(one, dict) else []
    for model in asked:
        _check(model, allowed)


def check_form(data: bytes, content_type: str, allowed: Container[str]) -> None:
    """ClientFault where a file that is sent for a batch asks a model that is not allowed, or cannot be read."""
    try:
        parts = read_form(data, content_type)
        if any(one.name == "purpose" and one.text != _BATCH for one in parts):
            return
        for part in parts:
            if part.filename is not None:
                _check_lines(part, allowed)
    except NotStrict as error:
        raise ClientFault("request.invalid", error.message, status=400) from None


def _check_lines(part: FormPart, allowed: Container[str]) -> None:
    for line in _lines(part.data):
        body = line.get("body") if isinstance(line, dict) else None
        if not isinstance(body, dict):
            raise ClientFault("request.invalid", "A line of the file is no question: it has no `body`.", status=400)
        # Mistral's lines may leave the model to the batch, which is checked when it is made.
        if "model" in body:
            _check(body["model"], allowed)


def _lines(data: bytes) -> Iterator[Any]:
    for line in data.split(b"\n"):
        if line.strip():
            yield decode_strictly(line)


def _inner(one: dict[str, Any], name: str) -> Any:
    inner = one.get(name)
    return inner.get("model") if isinstance(inner, dict) else None


def _check(model: Any, allowed: Container[str]) -> None:
    if model is not None and (not isinstance(model, str) or model not in allowed):
        raise _refused(f"the model `{str(model)[:_LONGEST]}`")


def _refused(what: str) -> ClientFault:
    return ClientFault("ai.forbidden", f"You may not use {what}.", status=403)
