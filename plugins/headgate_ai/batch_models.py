"""What a batch asks, in its body (Anthropic, Mistral) or in the lines of the file that it is made of (OpenAI, Mistral).

1. It is read as strictly as a chat: no key twice, no name in the wrong case.
2. With the models that are allowed, it may ask no other, and hold nothing by which a provider would choose another one
   (`refuse` of its row, a tool's own model). What is left out of a chat is refused here: a batch is sent on as it came.
3. What it refers to is handed back, to be held against the records (see `references`).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any, Final

from headgate.api import ClientFault, FormPart, NotStrict, decode_strictly, read_form, refuse_lookalikes
from headgate.api.ai import Unsupported
from headgate_ai.references import Reference, references
from headgate_ai.refusing import holds, refuse_models

_LONGEST: Final = 200
# What a file is for, where its lines are questions.
_BATCH: Final = "batch"
_PURPOSE: Final = "purpose"
_PREVIOUS: Final = "previous_response_id"
# Fields of a form that are no file: https://platform.openai.com/docs/api-reference/files/create,
# https://docs.mistral.ai/api/endpoint/files
_PLAIN: Final = frozenset(
    {
        _PURPOSE,
        "expires_after[anchor]",
        "expires_after[seconds]",
        "expires_after",
        "expiry",
        "visibility",
        "sample_type",
    }
)
_OF_A_BATCH: Final = frozenset({"model", "requests", "agent_id", "input_files", "input_file_id"})
_OF_A_LINE: Final = frozenset({"body", "params"})
_OF_A_QUESTION: Final = frozenset({"model", "models"})


def check_body(body: Any, allowed: Container[str] | None, refuse: Sequence[str] = ()) -> list[Reference]:
    """What the questions in the body of a batch refer to. ClientFault where one asks what is not allowed; None allows all."""
    if not isinstance(body, dict):
        raise _bad("The body is no JSON object.")
    try:
        refuse_lookalikes(body, _OF_A_BATCH)
        questions = [one for place, line in _requests(body) for one in _inner(line, f"requests[{place}]")]
        if allowed is not None:
            if body.get("agent_id") is not None:
                raise _refused("an agent, whose model nobody here knows")
            _check(body.get("model"), allowed)
            for question in questions:
                _ask(question, allowed, refuse)
    except NotStrict as error:
        raise _bad(error.message) from None
    return [found for question in questions for found in _referred(question)]


def check_form(
    data: bytes, content_type: str, allowed: Container[str] | None, refuse: Sequence[str] = ()
) -> list[Reference]:
    """As `check_body`, for a file that is sent; nothing where it is for something else than a batch."""
    try:
        parts = read_form(data, content_type)
        refuse_lookalikes([part.name for part in parts], frozenset({_PURPOSE, "file"}))
        purposes = [part.text for part in parts if part.name == _PURPOSE]
        if len(purposes) > 1:
            raise _bad("The field `purpose` is given twice; give it once.")
        if purposes and purposes != [_BATCH]:
            return []
        lines = [line for part in parts if part.name not in _PLAIN for line in _lines(part)]
        return [found for line in lines for found in _line(line, allowed, refuse)]
    except NotStrict as error:
        raise _bad(error.message) from None


def _lines(part: FormPart) -> Iterator[Any]:
    for line in part.data.split(b"\n"):
        if line.strip():
            yield decode_strictly(line)


def _line(line: Any, allowed: Container[str] | None, refuse: Sequence[str]) -> Iterator[Reference]:
    if allowed is not None and not (isinstance(line, dict) and isinstance(line.get("body"), dict)):
        raise _bad("A line of the file is no question: it has no `body`.")
    # Mistral's lines may leave the model to the batch, which is checked when it is made.
    for question in _inner(line, "body"):
        if allowed is not None:
            _ask(question, allowed, refuse)
        yield from _referred(question)


def _referred(question: dict[str, Any]) -> Iterator[Reference]:
    """A batch goes on with no answer: nobody would choose the key for each of its questions."""
    if question.get(_PREVIOUS) is not None:
        yield Reference("other", str(question[_PREVIOUS]), _PREVIOUS)
    yield from references(question)


def _requests(body: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    requests = body.get("requests")
    if requests is not None and not isinstance(requests, list):
        raise _bad("`requests` has to be a list.")
    for place, one in enumerate(requests or ()):
        if not isinstance(one, dict):
            raise _bad(f"`requests[{place}]` has to be an object.")
        yield place, one


def _inner(line: Any, where: str) -> Iterator[dict[str, Any]]:
    """The questions of one line: providers call it `params` or `body`."""
    if isinstance(line, dict):
        refuse_lookalikes(line, _OF_A_LINE, where)
        yield from (line[name] for name in sorted(_OF_A_LINE) if isinstance(line.get(name), dict))


def _ask(question: dict[str, Any], allowed: Container[str], refuse: Sequence[str]) -> None:
    """ClientFault where a question asks, or may ask, a model that is not allowed."""
    refuse_lookalikes(question, _OF_A_QUESTION)
    _check(question.get("model"), allowed)
    for name in (*refuse, "models", "fallbacks"):
        if holds(question, name):
            raise _refused(f"`{name}` in a batch: another model could answer")
    try:
        refuse_models(question.get("tools"), str(question.get("model")))
    except Unsupported as error:
        raise _refused(f"`{error.where}` in a batch: it would ask another model") from None


def _check(model: Any, allowed: Container[str]) -> None:
    if model is not None and (not isinstance(model, str) or model not in allowed):
        raise _refused(f"the model `{str(model)[:_LONGEST]}`")


def _refused(what: str) -> ClientFault:
    return ClientFault("ai.forbidden", f"You may not use {what}.", status=403)


def _bad(message: str) -> ClientFault:
    return ClientFault("request.invalid", message, status=400)
