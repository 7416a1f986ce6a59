"""`pii.*`: personal data is taken out of what goes to a model, put back into what it says, or taken out of that too.

1. `pii.redact` names every value in every text of the messages. With `restore`, names in answers become the values again.
2. `pii.answers` names what the model itself brings up. What came from the client, and was put back for it, it leaves.
3. `pii.mask` gives a text without its values, for prompts and for upstreams.
4. All lines of an exchange share one vault, so a value has one name in all of them.
"""

from __future__ import annotations

from headgate.api import BEFORE_RESPONSE, HEAD, Const, Exchange, Site, Text, step
from headgate.api.ai import Message, filter_answers
from headgate_guard.editing import Edit, EditFilter, changed, edit_message
from headgate_guard.finding import Finds, PiiKind
from headgate_guard.vault import Names, Vault

_RESTORES = "guard.restores"


def _prepare(site: Site, *, kinds: list[str] | None = None, **_: object) -> Finds:
    if kinds == []:
        raise ValueError("`kinds` is empty: say what to look for, kinds=[email, phone, card]")
    return Finds(kinds or [])


@step("pii.redact", after=HEAD, phase=BEFORE_RESPONSE, prepare=_prepare)
def redact(
    ctx: Exchange, messages: list[Message], /, *, kinds: Const[list[PiiKind]], restore: Const[bool] = False, site: Site
) -> None:
    """Put a name (`<EMAIL_1>`) in the place of every value of these kinds, in all texts of the messages.

    The same value has the same name. With `restore`, what the model says has the values again in the place of their names,
    streamed or not; without it, they stay out for good.
    """
    vault = Vault.of(ctx)
    unseen = Edit(Names(vault), vault.known)
    for message in messages:
        edit_message(message, unseen, unseen)
    edit = Edit(site.prepared, vault.keep if restore else vault.name)
    for message in messages:
        edit_message(message, edit, Edit(site.prepared, vault.known))
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
