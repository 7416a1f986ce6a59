"""The resource `model`: one model at one provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.api import (
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
from headgate_ai.echo import EchoTransport
from headgate_ai.prices import Free, Prices, prices_of
from headgate_ai.providers import ECHO, PROVIDERS, Provider

if TYPE_CHECKING:
    from headgate.api import Clock

# Lines that the plugin writes, or that would name somebody else; `headers` may not say them.
_OURS = frozenset({"authorization", "host", "content-type", "content-length", "accept", "accept-encoding", "cookie"})


class Model:
    """A model that `ai.chat` can ask. `resource` is its name in the policy, `name` its name at the provider."""

    resource_kind = "model"

    __slots__ = ("headers", "key", "name", "prices", "provider", "resource", "target", "transport")

    def __init__(
        self,
        resource: str,
        name: str,
        provider: Provider,
        target: Target,
        *,
        key: Secret | None,
        headers: list[Line],
        prices: Prices,
        transport: Transport | None,
    ) -> None:
        self.resource = resource
        self.name = name
        self.provider = provider
        self.target = target
        self.key = key
        self.headers = headers
        self.prices = prices
        self.transport = transport

    def __repr__(self) -> str:
        return f"<Model {self.resource}: {self.name} at {self.provider.name}, {self.target}>"

    def headers_for(self, node: Node) -> list[Line]:
        """The lines to send, with the key. UpstreamFault `upstream.unconfigured` where it is not set."""
        if self.key is None or (node.rehearsing and not self.key.is_set):
            return self.headers
        try:
            return [*self.headers, self.provider.dialect.credential(self.key.reveal())]
        except KeyError:
            raise UpstreamFault(
                "upstream.unconfigured",
                f"{self.resource} has no key: set {self.key.name} in the environment of the gateway.",
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
    url: Text | None = None,
    headers: dict[str, Json] | None = None,
) -> Model:
    """A model: `{ provider = openai, name = "gpt-4.1", key = secret("OPENAI_API_KEY") }`.

    `url` is where the provider's API is, `http://vllm.internal:8000`; without a path, `/v1` is meant. `headers` are
    lines that this provider wants besides.
    """
    known = PROVIDERS.get(provider)
    if known is None:
        raise ValueError(
            f"there is no provider `{provider}`; known are {', '.join(PROVIDERS)}. "
            "What speaks OpenAI's dialect is `compatible`, with its `url`"
        )
    if key is None and known.needs_key and url is None:
        raise ValueError(f'{provider} wants a key: add key = secret("{provider.upper()}_API_KEY")')
    is_echo = provider == ECHO
    return Model(
        ctx.name,
        name,
        known,
        _target(known, url),
        key=key,
        headers=[*known.dialect.headers, *_lines(headers or {})],
        prices=Free() if is_echo else prices_of(known.prices, name),
        transport=_echo(ctx.node.clock, known) if is_echo else None,
    )


def _target(provider: Provider, url: str | None) -> Target:
    address = url or provider.url
    if address is None:
        raise ValueError(f'{provider.name} is wherever you run it: add url = "http://{provider.name}.internal:8000"')
    target = Target.parse(address)
    return target if target.path else Target(target.scheme, target.host, target.port, "/v1", target.ca_file)


def _lines(headers: dict[str, Json]) -> list[Line]:
    lines = []
    for name, value in headers.items():
        if name.lower() in _OURS:
            raise ValueError(f"`headers` may not set {name}; the key goes into `key`")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise ValueError(f"`headers`: the value of {name} is no line of printable ASCII")
        lines.append((name.lower().encode(), value.encode()))
    return lines


def _echo(clock: Clock, provider: Provider) -> Transport:
    return EchoTransport(clock, provider.dialect)
