"""The resource `model`: one model at one provider."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from headgate.api import (
    Around,
    Exchange,
    Ge,
    Json,
    Line,
    Money,
    Node,
    NodeFacts,
    ResourceContext,
    Secret,
    Target,
    Text,
    Transport,
    UpstreamFault,
    Word,
    resource,
)
from headgate.api.ai import Answer, Chat, Endpoint, Outbound, TaskOut
from headgate_ai.asks import ask_for
from headgate_ai.catalog import Entry, entry
from headgate_ai.echo import EchoTransport
from headgate_ai.keys import Pool
from headgate_ai.prices import Prices
from headgate_ai.providers import ECHO, Provider, providers
from headgate_ai.saying import Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# Lines that the plugin writes, or that would name somebody else; `headers` may not say them.
_OURS = frozenset({"authorization", "host", "content-type", "content-length", "accept", "accept-encoding", "cookie"})
_ALWAYS: list[Line] = [(b"accept-encoding", b"identity"), (b"user-agent", b"headgate")]


class Model:
    """A model that `ai.chat` can ask. `resource` is its name in the policy, `name` its name at the provider."""

    resource_kind: ClassVar[str] = "model"

    __slots__ = (
        "abilities",
        "context",
        "dialect",
        "endpoint",
        "faked_as",
        "headers",
        "inputs",
        "keys",
        "kind",
        "label",
        "most_output",
        "name",
        "outputs",
        "prices",
        "provider",
        "resource",
        "target",
        "tasks",
        "transport",
        "where",
    )

    def __init__(
        self,
        resource: str,
        name: str,
        provider: Provider,
        dialect: Outbound,
        target: Target,
        *,
        keys: list[Secret],
        options: Mapping[str, Any],
        headers: list[Line],
        known: Entry,
        transport: Transport | None,
        tasks: Sequence[TaskOut] = (),
    ) -> None:
        self.resource = resource
        # What a test gives for it; a model that no policy declares has the name of the step that asks it.
        self.faked_as = resource
        self.name = name
        self.provider = provider
        # Who is asked, for people: `openai/gpt-4.1`; and at which address.
        self.label = f"{provider.name}/{name}"
        self.dialect = dialect
        self.target = target
        self.where = str(target)
        self.endpoint = Endpoint(name, options)
        self.keys = Pool(keys)
        self.headers = headers
        # What is known of it, see `catalog`; tokens of the window, and of the longest answer.
        self.kind = known.kind
        self.context = known.context
        self.most_output = known.most_output
        self.inputs = known.inputs
        self.outputs = known.outputs
        self.abilities = known.abilities
        self.prices: Prices = known.prices
        self.transport = transport
        # What its dialect does besides chatting.
        self.tasks = tasks

    def __repr__(self) -> str:
        return f"<Model {self.resource}: {self.label}, {self.target}>"

    @property
    def takes_schemas(self) -> bool:
        """Whether an answer may be asked for by a JSON schema; where nobody knows, it may."""
        return self.abilities.get("schema", True)

    def fit(self, blocks: Iterable[Around], /) -> None:
        """See `Asks`. A budget has to know what a call can cost at most, or what to assume."""
        if not self.prices.known and any(one.step == "budget" and "assume" not in one.given for one in blocks):
            raise ValueError(
                f"nobody here knows the price of `{self.resource}` ({self.label}), and the line is in a `budget`",
                "say it in the model, for a million tokens: `price = {input: $2, output: $8}`",
                "or let the budget set something aside for each call: `assume=$0.10`",
            )

    async def ask(self, ctx: Exchange, chat: Chat, /, *, timeout: float) -> Answer:
        """See `Asks`."""
        return await ask_for(self, ctx, chat, timeout)

    @property
    def hidden(self) -> re.Pattern[bytes] | None:
        """What nobody may read in its errors; see `hiding`."""
        return self.keys.hidden

    def key(self, place: int, node: Node) -> str | None:
        """A key itself; None where there is none to show. UpstreamFault `upstream.unconfigured` where it is not set."""
        secret = self.keys.secrets[place]
        if node.rehearsing and not secret.is_set:
            return None
        try:
            return secret.reveal()
        except KeyError:
            raise UpstreamFault(
                "upstream.unconfigured",
                f"{self.resource} has no key: set {secret.name} in the environment of the gateway.",
                status=503,
                sent=False,
            ) from None


def doubts(
    facts: NodeFacts, resource_name: str, /, *, key: Secret | None = None, keys: Sequence[Secret] = (), **_: Any
) -> Iterator[Sequence[str]]:
    """Keys that are not there."""
    secrets = [*keys, *([key] if key is not None else [])]
    unset = [one.name for one in secrets if not one.is_set]
    if facts.serves and unset:
        loss = "it cannot be asked" if len(unset) == len(secrets) else "it is asked with its other keys alone"
        names = " and ".join(unset)
        verb = "is" if len(unset) == 1 else "are"
        yield (
            f"the model `{resource_name}`: {names} {verb} not set, so {loss}",
            f"set {names} in the environment of the node",
        )


@resource("model", doubts=doubts)
def model(
    ctx: ResourceContext,
    /,
    *,
    provider: Word,
    name: Text,
    key: Secret | None = None,
    keys: list[Secret] | None = None,
    url: Text | None = None,
    dialect: Text | None = None,
    headers: dict[str, Json] | None = None,
    options: dict[str, Json] | None = None,
    context: Annotated[int, Ge(1)] | None = None,
    most_output: Annotated[int, Ge(1)] | None = None,
    inputs: list[Text] | None = None,
    abilities: list[Text] | None = None,
    price: dict[str, Money] | None = None,
) -> Model:
    """A model: `{ provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY") }`.

    `url` is where the provider's API is, `http://vllm.internal:8000`; without a path, the provider's usual one is meant.
    Several `keys` are used in turns. `dialect` is another one that this provider speaks too, `"openai-responses"`. `headers` are lines that this provider wants besides, `options` what its dialect
    wants to know. What is known of the model by its name can be said better: the tokens of its `context` and of its
    longest answer (`most_output`), what it reads (`inputs`: text, image, audio, video, file), its `abilities` (tools,
    schema, reasoning), and its `price` for a million tokens, `{input: $2, output: $8, cached: $0.50, cache_write: $2}`.
    """
    known = providers().get(provider)
    if known is None:
        near = get_close_matches(provider, providers(), 1)
        guess = f"did you mean `{near[0]}`? " if near else ""
        raise ValueError(
            f"there is no provider `{provider}`; {guess}known are {', '.join(sorted(providers()))}. "
            "What speaks OpenAI's dialect is `compatible`, with its `url`"
        )
    if dialect is not None:
        known = msgspec.structs.replace(known, dialect=dialect)
    if key is not None and keys is not None:
        raise ValueError("give `key` or `keys`, not both")
    secrets = keys if keys is not None else [key] if key is not None else []
    if not secrets and known.needs_key and url is None:
        raise ValueError(f'{provider} wants a key: add key = secret("{known.env}")')
    return build(
        ctx.node, ctx.name, name, known, secrets, url=url, headers=headers or {}, options=options or {},
        said=Said(context, most_output, inputs, abilities, price),
    )  # fmt: skip


def build(
    node: Node, resource_name: str, name: str, provider: Provider, secrets: list[Secret], *, url: str | None = None,
    headers: dict[str, Any] | None = None, options: dict[str, Any] | None = None, said: Said | None = None,
) -> Model:  # fmt: skip
    """A model of a provider. ValueError where something of it cannot be used."""
    speaks = node.dialects.get(provider.dialect)
    if speaks is None or speaks.outbound is None:
        raise ValueError(f"no installed plugin speaks `{provider.dialect}`, the dialect of {provider.name}")
    given = {**provider.options, **(options or {})}
    if missing := [name for name in provider.wants if name not in given]:
        raise ValueError(f'{provider.name} wants to know more: add options = {{{missing[0]}: "…"}}')
    is_echo = provider.name == ECHO
    lines = [*_ALWAYS, *_lines(dict(provider.headers)), *_lines(headers or {})]
    return Model(
        resource_name,
        name,
        provider,
        speaks.outbound,
        _target(provider, url),
        keys=secrets,
        options=given,
        headers=lines,
        known=(said or Said()).over(entry(provider, name)),
        transport=EchoTransport(node.clock, speaks.outbound) if is_echo else None,
        tasks=() if is_echo else speaks.does,
    )


def _target(provider: Provider, url: str | None) -> Target:
    address = provider.url if url is None else url
    if address is None:
        raise ValueError(f'{provider.name} has no address of its own: add url = "{provider.example}"')
    target = Target.parse(address)
    if target.path or not provider.path:
        return target
    return Target(target.scheme, target.host, target.port, provider.path, target.ca_file)


def _lines(headers: dict[str, Any]) -> list[Line]:
    lines = []
    for name, value in headers.items():
        if name.lower() in _OURS:
            raise ValueError(f"`headers` may not set {name}; the key goes into `key`")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"`headers`: the value of {name} is no line of printable ASCII")
        lines.append((name.lower().encode(), value.encode()))
    return lines
