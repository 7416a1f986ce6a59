"""Why a pair cannot have a feature: in the words of the dialects themselves.

1. What a provider cannot be told, or does not tell, is in `abilities` of its dialect's outbound side, or in its row here.
2. What a client has no word for, or no place, is in `lacks` of its dialect's inbound side.
3. Content that a provider cannot be told is refused; a parameter is left out, and named in the row of the call.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal, NamedTuple

from headgate.host.plugins import load_plugins
from matrix.clients import CLIENTS
from matrix.upstreams import UPSTREAMS

Kind = Literal["passes", "unasked", "untold", "refused", "dropped", "unsaid"]
# Features of which one side can lack the word, and what becomes of it then.
CONTENT: Final = frozenset({"images (data)", "images (url)", "files (data)"})
PARAMETERS: Final = frozenset({"stop sequences", "seed", "top_k", "penalties", "JSON mode", "structured output"})


class Verdict(NamedTuple):
    """`unasked`: the client has no word for it. `untold`: the client has no place for it in an answer. `refused`,
    `dropped`: what becomes of a request that wants it. `unsaid`: the provider never answers with it."""

    kind: Kind
    reason: str = ""


@cache
def dialects() -> Any:
    """Every dialect, by name."""
    return load_plugins().vocabulary.dialects


def verdict(feature: str, client: str, upstream: str) -> Verdict:
    """Whether a pair has a feature."""
    row = UPSTREAMS[upstream]
    inbound, outbound = dialects()[CLIENTS[client].dialect].inbound, dialects()[row.dialect].outbound
    asked = feature in CONTENT or feature in PARAMETERS
    lacks = inbound.lacks.get(feature)
    if lacks and feature not in row.keeps:
        return Verdict("unasked" if asked else "untold", lacks)
    if why := row.lacks.get(feature) or outbound.abilities.get(feature):
        return Verdict("refused" if feature in CONTENT else "dropped" if asked else "unsaid", why)
    return Verdict("passes")
