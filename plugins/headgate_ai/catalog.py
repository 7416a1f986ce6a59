"""What is known of models by name: from the price list, and from a table of what that lacks (`catalog.toml`).

1. A model is a provider's: the same weights elsewhere may read, answer and cost something else. Who passes another
   maker's models on (Azure OpenAI's, Bedrock Anthropic's) inherits what a model is, and not what its maker's API adds.
2. A dated name means its family (`gpt-4.1-2025-04-14`), as in the price list, unless it is known itself.
3. What is not known is None, or missing from a map: whoever checks treats it as "may". Nothing is guessed from a name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from headgate_ai import units
from headgate_ai.listing import Listed
from headgate_ai.prices import Free, Prices, all_of, listed_of, prices_in
from headgate_ai.providers import ECHO, Provider, providers

INPUTS: Final = ("text", "image", "audio", "video", "file")
ABILITIES: Final = ("tools", "schema", "reasoning")
Kind = Literal["chat", "embedding", "image", "speech", "transcription", "rerank", "moderation", "realtime"]
# Where a bare name is looked for: whoever makes models first, then whoever serves those of others.
MAKERS: Final = (
    "openai", "anthropic", "gemini", "mistral", "cohere", "deepseek", "xai", "moonshot", "zai", "dashscope", "minimax",
    "perplexity", "llama", "zhipu",
)  # fmt: skip
# Whose API is the maker's own, so that all of it is inherited.
_SAME: Final = {"azure": "openai", "vertex": "gemini"}
# What the hosts' names for makers mean: `us.anthropic.claude-…-v1:0`, `anthropic/claude-…`.
_HOSTED: Final = {
    "bedrock": re.compile(r"(?:(?:us|eu|apac|jp|au|ca|us-gov|global)\.)?(?P<maker>\w+)\.(?P<name>.+?)(?:-v\d+)?(?::\w+)?"),
    "openrouter": re.compile(r"(?P<maker>[\w-]+)/(?P<name>[^:]+)(?::\w+)?"),
}  # fmt: skip
_MAKERS: Final = {"google": "gemini", "mistralai": "mistral", "x-ai": "xai", "moonshotai": "moonshot", "z-ai": "zai"}
# What the price list has under a provider, and its dialect does not reach.
_FOREIGN: Final = {"gemini": ("claude",), "vertex": ("claude",)}
# The ability to fit a schema is the API's, not the model's.
_OF_THE_API: Final = frozenset({"schema"})
_DATED: Final = re.compile(r"(?:-latest|-20\d{6}|-20\d\d-\d\d-\d\d|@20\d{6})$")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the table says of a model. `abilities` has those of `ABILITIES` of which it is known."""

    kind: Kind | None = None
    context: int | None = None
    most_output: int | None = None
    inputs: frozenset[str] | None = None
    outputs: frozenset[str] | None = None
    abilities: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of one provider: tokens of its window and of its longest answer, what it reads and writes (of
    `INPUTS`), what it can, and what it costs."""

    provider: str
    name: str
    context: int | None
    most_output: int | None
    inputs: frozenset[str] | None
    outputs: frozenset[str] | None
    abilities: Mapping[str, bool]
    kind: Kind | None
    prices: Prices


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    kind: Kind = "chat"
    context: int | None = None
    output: int | None = None
    inputs: str | None = None
    outputs: str = "text"
    can: str = ""
    cannot: str = ""

    def facts(self) -> Facts:
        abilities = dict.fromkeys(self.can.split(), True) | dict.fromkeys(self.cannot.split(), False)
        writes = frozenset(self.outputs.split()) if self.kind in ("chat", "image", "speech", "realtime") else None
        reads = None if self.inputs is None else frozenset(self.inputs.split())
        return Facts(self.kind, self.context, self.output, reads, writes, abilities)


class Group(msgspec.Struct, forbid_unknown_fields=True):
    """A provider's models, and the page where it describes them."""

    docs: str
    models: dict[str, _Row]


@cache
def table() -> dict[str, Group]:
    """Our own table, by provider."""
    return msgspec.convert(_toml(), dict[str, Group])


def _toml() -> dict[str, Any]:
    return tomllib.loads(files("headgate_ai").joinpath("catalog.toml").read_text("utf-8"))


def entry(provider: Provider, name: str) -> Entry:
    """What is known of a provider's model; it may be nothing but its name."""
    return _entry(provider, name, listed_of(provider.prices, name))


def _entry(provider: Provider, name: str, listed: Listed | None) -> Entry:
    if provider.name == ECHO:
        return Entry(provider.name, name, None, None, None, None, {}, "chat", Free())
    facts = _facts(provider.name, name, listed.id if listed is not None else None)
    windows = [one for one in (facts.context, listed.context if listed is not None else None) if one is not None]
    return Entry(
        provider.name, name, max(windows, default=None), facts.most_output, facts.inputs, facts.outputs, facts.abilities,
        facts.kind, Free() if provider.free else units.ours(provider.name, _names(name, None)) or prices_in(listed),
    )  # fmt: skip


def find(name: str) -> Entry | None:
    """The model that a client named: `provider/model`, or its name alone, which means its maker's. None where nobody
    that we know has it."""
    maker, slash, rest = name.partition("/")
    if slash and maker in providers():
        return entry(providers()[maker], rest)
    hosts = (row for row in providers() if row not in MAKERS)
    found = next((row for row in (*MAKERS, *hosts) if knows(row, name)), None)
    return None if found is None else entry(providers()[found], name)


def every(wanted: Collection[str] = ()) -> Iterator[Entry]:
    """All models that are known, of all providers or of some, by provider and name."""
    for name in sorted(providers()):
        if not wanted or name in wanted:
            yield from sorted(_of(providers()[name]), key=lambda one: one.name.lower())


def _of(provider: Provider) -> list[Entry]:
    """The models that are known: those of the table, and those of the price list that it does not have."""
    if provider.name == ECHO:
        return [entry(provider, "echo")]
    group = table().get(provider.name)
    own = set(group.models) if group is not None else set()
    foreign = _FOREIGN.get(provider.name, ())
    listed = [
        _entry(provider, one.id, one) for one in all_of(provider.prices)
        if not one.id.startswith(foreign) and not own.intersection(_names(one.id, None))
    ]  # fmt: skip
    return [entry(provider, name) for name in own] + listed


def knows(provider: str, name: str) -> bool:
    """Whether a provider has a model of this name, as far as we know."""
    if _own(provider, _names(name, None)) is not None:
        return True
    return listed_of(providers()[provider].prices, name) is not None


def _facts(provider: str, name: str, listed: str | None) -> Facts:
    names = _names(name, listed)
    own = _own(provider, names) or _own(_SAME.get(provider, ""), names)
    return own or _inherited(provider, name) or Facts()


def _own(provider: str, names: list[str]) -> Facts | None:
    group = table().get(provider)
    row = next((group.models[one] for one in names if one in group.models), None) if group is not None else None
    return None if row is None else row.facts()


def _names(name: str, listed: str | None) -> list[str]:
    """The names under which a model may stand in the table, the most exact first."""
    plain = [one.lower() for one in (name, listed) if one is not None]
    return list(dict.fromkeys(form for one in plain for form in (one, _DATED.sub("", one))))


def _inherited(host: str, name: str) -> Facts | None:
    """What a host's model is by its making. Whether a host reads documents for it, the host decides."""
    match = _HOSTED[host].fullmatch(name.lower()) if host in _HOSTED else None
    if match is None:
        return None
    maker = _MAKERS.get(match["maker"], match["maker"])
    called = match["name"].replace(".", "-") if maker == "anthropic" else match["name"]
    facts = _own(maker, _names(called, None))
    if facts is None:
        return None
    abilities = {what: can for what, can in facts.abilities.items() if what not in _OF_THE_API}
    inputs = None if facts.inputs is None else facts.inputs | {"file"}
    return Facts(facts.kind, facts.context, facts.most_output, inputs, facts.outputs, abilities)
