"""The resource `model`: one model at one provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from headgate.api import (
    Exchange,
    Json,
    Line,
    Node,
    ResourceContext,
    Secret,
    Target,
    Text,
    Transport,
    UpstreamFault,
    Word,
    resource,
)
from headgate.api.ai import Answer, Chat, Endpoint, Outbound
from headgate_ai.asks import ask_for
from headgate_ai.echo import EchoTransport
from headgate_ai.keys import Pool
from headgate_ai.prices import Free, Prices, prices_of
from headgate_ai.providers import ECHO, Provider, providers

if TYPE_CHECKING:
    from collections.abc import Mapping

# Lines that the plugin writes, or that would name somebody else; `headers` may not say them.
_OURS = frozenset({"authorization", "host", "content-type", "content-length", "accept", "accept-encoding", "cookie"})
_ALWAYS: list[Line] = [(b"accept-encoding", b"identity"), (b"user-agent", b"headgate")]


class Model:
    """A model that `ai.chat` can ask. `resource` is its name in the policy, `name` its name at the provider."""

    resource_kind: ClassVar[str] = "model"

    __slots__ = (
        "context",
        "dialect",
        "endpoint",
        "headers",
        "keys",
        "most_output",
        "name",
        "prices",
        "provider",
        "resource",
        "target",
        "transport",
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
        prices: Prices,
        transport: Transport | None,
    ) -> None:
        self.resource = resource
        self.name = name
        self.provider = provider
        self.dialect = dialect
        self.target = target
        self.endpoint = Endpoint(name, options)
        self.keys = Pool(keys)
        self.headers = headers
        # Tokens, where they are known: of the window, and of the longest answer.
        self.context: int | None = None
        self.most_output: int | None = None
        self.prices = prices
        self.transport = transport

    def __repr__(self) -> str:
        return f"<Model {self.resource}: {self.label}, {self.target}>"

    @property
    def label(self) -> str:
        """Who is asked, for people: `openai/gpt-4.1`."""
        return f"{self.provider.name}/{self.name}"

    async def ask(self, ctx: Exchange, chat: Chat, /, *, timeout: float) -> Answer:
        """See `Asks`."""
        return await ask_for(self, ctx, chat, timeout)

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


@resource("model")
def model(
    ctx: ResourceContext,
    /,
    *,
    provider: Word,
    name: Text,
    key: Secret | None = None,
    keys: list[Secret] | None = None,
    url: Text | None = None,
    headers: dict[str, Json] | None = None,
    options: dict[str, Json] | None = None,
) -> Model:
    """A model: `{ provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY") }`.

    `url` is where the provider's API is, `http://vllm.internal:8000`; without a path, `/v1` is meant. Several `keys` are
    used in turns. `headers` are lines that this provider wants besides, `options` what its dialect wants to know.
    """
    known = providers().get(provider)
    if known is None:
        raise ValueError(
            f"there is no provider `{provider}`; known are {', '.join(sorted(providers()))}. "
            "What speaks OpenAI's dialect is `compatible`, with its `url`"
        )
    if key is not None and keys is not None:
        raise ValueError("give `key` or `keys`, not both")
    secrets = keys if keys is not None else [key] if key is not None else []
    if not secrets and known.needs_key and url is None:
        raise ValueError(f'{provider} wants a key: add key = secret("{known.env}")')
    return build(ctx.node, ctx.name, name, known, secrets, url=url, headers=headers or {}, options=options or {})


def build(
    node: Node, resource_name: str, name: str, provider: Provider, secrets: list[Secret], *, url: str | None = None,
    headers: dict[str, Any] | None = None, options: dict[str, Any] | None = None,
) -> Model:  # fmt: skip
    """A model of a provider. ValueError where something of it cannot be used."""
    speaks = node.dialects.get(provider.dialect)
    if speaks is None or speaks.outbound is None:
        raise ValueError(f"no installed plugin speaks `{provider.dialect}`, the dialect of {provider.name}")
    is_echo = provider.name == ECHO
    lines = [*_ALWAYS, *_lines(dict(provider.headers)), *_lines(headers or {})]
    return Model(
        resource_name,
        name,
        provider,
        speaks.outbound,
        _target(provider, url),
        keys=secrets,
        options={**provider.options, **(options or {})},
        headers=lines,
        prices=Free() if is_echo else prices_of(provider.prices, name),
        transport=EchoTransport(node.clock, speaks.outbound) if is_echo else None,
    )


def _target(provider: Provider, url: str | None) -> Target:
    address = url or provider.url
    if address is None:
        raise ValueError(f'{provider.name} is wherever you run it: add url = "http://{provider.name}.internal:8000"')
    target = Target.parse(address)
    if target.path or provider.dialect != "openai":
        return target
    return Target(target.scheme, target.host, target.port, "/v1", target.ca_file)


def _lines(headers: dict[str, Any]) -> list[Line]:
    lines = []
    for name, value in headers.items():
        if name.lower() in _OURS:
            raise ValueError(f"`headers` may not set {name}; the key goes into `key`")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"`headers`: the value of {name} is no line of printable ASCII")
        lines.append((name.lower().encode(), value.encode()))
    return lines
