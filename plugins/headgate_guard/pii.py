"""`pii.*`: personal data is taken out of what goes to a model, put back into what it says, or taken out of that too.

1. `pii.redact` names every value in every text of the messages. With `restore`, names in answers become the values again.
2. `pii.answers` names what the model itself brings up. What came from the client, and was put back for it, it leaves.
3. `pii.mask` gives a text without its values, for prompts and for upstreams.
4. All lines of an exchange share one vault, so a value has one name in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import trio

from headgate.api import BEFORE_RESPONSE, HEAD, SLOW, Const, Exchange, Site, Text, step
from headgate.api.ai import AnyPart, Message, ToolResult, filter_answers
from headgate_guard.editing import Edit, EditFilter, changed, edit_message
from headgate_guard.finding import Finds, PiiKind
from headgate_guard.vault import Names, Vault

_RESTORES: Final = "guard.restores"
# Characters. A megabyte full of numbers takes 200 ms to look through: what is larger may not keep the others waiting.
LARGE: Final = 1 << 17


def _prepare(site: Site, *, kinds: list[str] | None = None, **_: object) -> Finds:
    if kinds == []:
        raise ValueError("`kinds` is empty: say what to look for, kinds=[email, phone, card]")
    return Finds(kinds or [])


def _redact_at_once(
    ctx: Exchange, messages: list[Message], /, *, kinds: Const[list[PiiKind]], restore: Const[bool] = False, site: Site
) -> Any:
    """The same where it takes no time."""
    if sum(map(_size, messages)) > LARGE:
        return SLOW
    vault = Vault.of(ctx)
    _name_values(messages, site.prepared, vault, restore=restore)
    _note(ctx, vault, restore=restore)
    return None


@step("pii.redact", after=HEAD, phase=BEFORE_RESPONSE, prepare=_prepare, fast=_redact_at_once)
async def redact(
    ctx: Exchange, messages: list[Message], /, *, kinds: Const[list[PiiKind]], restore: Const[bool] = False, site: Site
) -> None:
    """Put a name (`<EMAIL_1>`) in the place of every value of these kinds, in all texts of the messages.

    The same value has the same name. With `restore`, what the model says has the values again in the place of their names,
    streamed or not; without it, they stay out for good.
    """
    vault = Vault.of(ctx)
    name = partial(_name_values, messages, site.prepared, vault, restore=restore)
    if ctx.node.rehearsing:
        name()
    else:
        await trio.to_thread.run_sync(name)
    _note(ctx, vault, restore=restore)


def _size(message: Message) -> int:
    return sum(len(getattr(part, "text", "")) + len(getattr(part, "arguments", "")) for part in _flat(message.parts))


def _flat(parts: Sequence[AnyPart]) -> Iterator[AnyPart]:
    for part in parts:
        yield from part.parts if isinstance(part, ToolResult) else (part,)


def _name_values(messages: list[Message], finds: Finds, vault: Vault, *, restore: bool) -> None:
    """Names that stand there are seen before the first one is given."""
    unseen = Edit(Names(vault), vault.known)
    for message in messages:
        edit_message(message, unseen, unseen)
    edit, signed = Edit(finds, vault.keep if restore else vault.name), Edit(finds, vault.known)
    for message in messages:
        edit_message(message, edit, signed)


def _note(ctx: Exchange, vault: Vault, *, restore: bool) -> None:
    """The row of the call has the counts; answers will have the values."""
    ctx.note("redacted", vault.counts())
    if restore and not ctx.recall(_RESTORES):
        ctx.remember(_RESTORES, True)
        filter_answers(ctx, EditFilter(Edit(vault, vault.restored), vault.key))


@step("pii.answers", after=HEAD, phase=BEFORE_RESPONSE, prepare=_prepare)
def answers(ctx: Exchange, /, *, kinds: Const[list[PiiKind]], site: Site) -> None:
    """Put a name in the place of every value of these kinds that a model says and that the client did not.

    A stream is held back only from where such a value may have begun.
    """
    vault = Vault.of(ctx)
    filter_answers(ctx, EditFilter(Edit(site.prepared, vault.hide, hides=True)))


@step("pii.mask", prepare=_prepare)
def mask(ctx: Exchange, text: Text, /, *, kinds: Const[list[PiiKind]], site: Site) -> Text:
    """The text with a name in the place of every value of these kinds: `pii.mask m.text kinds=[email] as clean`."""
    vault = Vault.of(ctx)
    vault.avoid(text)
    return changed(Edit(site.prepared, vault.name), text)
