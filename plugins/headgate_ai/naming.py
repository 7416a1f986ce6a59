"""A model by the name that a client sent: `ai.chat chat.model from=key.models`.

1. What the catalogue knows works by its name, `gpt-4.1` or `openai/gpt-4.1`, as soon as its provider's key is in the
   environment under the usual name. A bare name is its maker's.
2. `from` says which names this caller may use, and is asked first: who may not use a model does not learn whether there
   is one.
3. A model is built when it is first asked for, and kept; there are no more of them than the catalogue has names.
"""

from __future__ import annotations

import os
from collections.abc import Container
from typing import Final

from headgate.api import ClientFault, Exchange, Secret
from headgate_ai.catalog import find
from headgate_ai.models import Model, build
from headgate_ai.providers import providers

_STATE: Final = "ai.named"
_MOST: Final = 4096
_LONGEST: Final = 200


def chosen(ctx: Exchange, model: Model | list[Model] | str, allowed: Container[str] | None, step: str) -> list[Model]:
    """The models that a line means: those that it says, or the one that a client named. ClientFault as in `named`."""
    if not isinstance(model, str):
        return model if isinstance(model, list) else [model]
    found = named(ctx, model, allowed)
    # What a test gives the step, the model answers.
    found.faked_as = step
    return [found]


def named(ctx: Exchange, name: str, allowed: Container[str] | None) -> Model:
    """The model. ClientFault `ai.forbidden` (403) or `ai.unknown_model` (404)."""
    if allowed is not None and name not in allowed:
        raise ClientFault("ai.forbidden", f"You may not use the model `{name[:_LONGEST]}`.", status=403)
    known: dict[str, Model] = ctx.node.state.setdefault(_STATE, {})
    model = known.get(name)
    if model is None:
        model = _built(ctx, name)
        if len(known) < _MOST:
            known[name] = model
    return model


def _built(ctx: Exchange, name: str) -> Model:
    entry = find(name) if len(name) <= _LONGEST else None
    if entry is None:
        raise ClientFault("ai.unknown_model", f"There is no model `{name[:_LONGEST]}` here.", status=404)
    provider = providers()[entry.provider]
    secrets = [] if provider.env is None else [Secret(provider.env, os.environ.get(provider.env))]
    try:
        return build(ctx.node, provider.name, entry.name, provider, secrets)
    except ValueError as error:
        message = f"The model `{name}` cannot be asked by its name alone: {error}."
        raise ClientFault("ai.unknown_model", message, status=404) from None
