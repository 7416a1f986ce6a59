"""`guard.pattern` for what clients send, `guard.answer` for what models say.

1. What is blocked is `guard.blocked`, with the guard's name and the place, and never with what was found.
2. An answer that is blocked before its head is a failure like any other. A stream is stopped with an error in the client's
   dialect, and the connection is cut; of a match, nothing has gone out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NoReturn

from headgate.api import BEFORE_RESPONSE, HEAD, ClientFault, Const, Exchange, Site, Text, step
from headgate.api.ai import Message, filter_answers
from headgate_guard.editing import Edit, EditFilter, edit_message, edit_value
from headgate_guard.finding import Finder
from headgate_guard.patterns.finding import Outside, Patterns

Action = Literal["block", "mask"]
_MASK: Final = "[removed]"


def blocked(guard: str, where: str) -> ClientFault:
    """What is said of a text that may not pass: never the text."""
    return ClientFault(
        "guard.blocked", f"The guard `{guard}` does not let this pass ({where}).",
        status=400, record={"guard": guard, "where": where},
    )  # fmt: skip


def _edit(finder: Finder, action: str, guard: str, where: str) -> Edit:
    """What becomes of a find."""

    def block(kind: str, found: str) -> NoReturn:
        raise blocked(guard, where)

    def mask(kind: str, found: str) -> str:
        return _MASK

    return Edit(finder, mask if action == "mask" else block, hides=True)


def _prepare(
    site: Site, *, deny: list[str] | None = None, allow: list[str] | None = None, action: str = "block", **_: object
) -> list[Finder]:
    if not deny and not allow:
        raise ValueError('say what to look for: deny=["…"], or allow=["…"] for all that may pass')
    if allow and action == "mask":
        raise ValueError("`allow` says of a whole text whether it may pass; `action=mask` is for `deny`")
    finders: list[Finder] = [Patterns(deny, streams=False)] if deny else []
    return [*finders, Outside(allow)] if allow else finders


@step("guard.pattern", raises=("guard.blocked",), shadow=True, phase=BEFORE_RESPONSE, prepare=_prepare)
def pattern(
    ctx: Exchange, value: Any, /, *, deny: Const[list[Text] | None] = None, allow: Const[list[Text] | None] = None,
    action: Const[Action] = "block", name: Const[Text] = "guard.pattern", site: Site,
) -> None:  # fmt: skip
    """Refuse what holds a match of `deny`, or is not as a whole a match of `allow`: a text, a JSON value, or messages.

    With `action=mask`, matches in `chat.messages` are removed; any other value cannot be changed here and is refused.
    """
    finders: Sequence[Finder] = site.prepared
    for finder in finders:
        _check(value, finder, "block" if site.shadow else action, name)


def _check(value: Any, finder: Finder, action: str, guard: str) -> None:
    if not isinstance(value, list) or not all(isinstance(one, Message) for one in value):
        edit_value(value, _edit(finder, "block", guard, "the value"))
        return
    for place, message in enumerate(value):
        edit = _edit(finder, action, guard, f"messages[{place}]")
        edit_message(message, edit, edit)


def _prepare_answer(site: Site, *, deny: list[str] | None = None, **_: object) -> Patterns:
    if not deny:
        raise ValueError('say what to look for: deny=["…"]')
    return Patterns(deny, streams=True)


@step("guard.answer", after=HEAD, phase=BEFORE_RESPONSE, prepare=_prepare_answer)
def answer(
    ctx: Exchange, /, *, deny: Const[list[Text]], action: Const[Action] = "block", name: Const[Text] = "guard.answer",
    site: Site,
) -> None:  # fmt: skip
    """Stop an answer that holds a match of `deny`, or with `action=mask` remove the match.

    Before its head that is `guard.blocked`; a stream ends with an error. Only what may be part of a match is held back, so
    a pattern has to have a longest match, of 1000 characters at most.
    """
    filter_answers(ctx, EditFilter(_edit(site.prepared, action, name, "answer")))
