"""Of several models, the first that can.

The next one is asked when a model fails: when it is not reached, late, broken, out of order or limited, and when it cannot
do what is wanted. What a provider refuses as the client's own mistake, it would refuse again elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from headgate.api import Site, UpstreamFault
from headgate_ai.catalog import every, find
from headgate_ai.models import Model

T = TypeVar("T")
# Bad requests, bodies that are too large, and what cannot be processed: as the client wrote them.
_CLIENTS_MISTAKES: Final = frozenset({400, 413, 422})


def as_list(model: Model | list[Model]) -> list[Model]:
    return model if isinstance(model, list) else [model]


def fits(site: Site, *, model: object = None, **_: Any) -> None:
    """What a line that asks models prepares: whether they fit where it stands. ValueError."""
    for one in model if isinstance(model, list) else [model]:
        if isinstance(one, Model):
            one.fit(site.within)
        elif isinstance(one, str) and find(one) is None:
            raise ValueError(f"nobody here knows a model `{one}`", *_like(one))


def _like(name: str) -> Iterator[str]:
    """What was probably meant."""
    near = get_close_matches(name, (known for one in every() for known in (one.name, f"{one.provider}/{one.name}")), 1)
    yield f"did you mean `{near[0]}`?" if near else "`headgate models` lists those that work by name"


async def first_that_can(models: Sequence[Model], ask: Callable[[Model], Awaitable[T]]) -> T:
    """What the first model gives that gives anything. The last one's failure is raised."""
    for model in models[:-1]:
        try:
            return await ask(model)
        except UpstreamFault as fault:
            if fault.record.get("upstream_status") in _CLIENTS_MISTAKES:
                raise
    return await ask(models[-1])
