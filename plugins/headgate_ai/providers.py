"""The providers that are known by name: rows of data, each with the page of the provider that it follows.

A provider that speaks a dialect that is there needs a row in `providers.toml` and nothing else. Everything else that
speaks OpenAI's dialect is reached by `url`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from headgate.api import Line

ECHO: Final = "echo"
# Where an API is, by dialect, if nothing else is said. The other dialects write all of their paths themselves.
BASES: Final = {
    "openai": "/v1",
    "openai-responses": "/v1",
    "anthropic": "/v1",
    "gemini": "/v1beta",
    "mistral": "/v1",
    "cohere": "/v2",
}


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider.

    `url` is None where the resource has to say; then `example` shows how. `base` is the path that a URL without one means.
    `auth` is how a key is shown: `bearer`, `header NAME`, `none`, or `dialect` where the dialect signs. `env` is the usual
    name of the variable that holds the key. `prices` is what the price list calls the provider; `free` is one that runs on one's own
    machines, where nobody bills tokens. `options` are for its
    dialect, `wants` names those that the resource has to give, `headers` are lines that it wants besides, and `docs` is
    the page that says so. `refuse` are fields of requests by which a client would choose another model than the resource's.
    `thinks_beside`: what its models think is not within the bound on the answer, or nobody says that it is.
    """

    name: str
    docs: str
    url: str | None = None
    example: str | None = None
    base: str | None = None
    dialect: str = "openai"
    auth: str = "bearer"
    env: str | None = None
    prices: str | None = None
    free: bool = False
    options: dict[str, Any] = {}
    wants: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    refuse: tuple[str, ...] = ()
    thinks_beside: bool = False

    @property
    def path(self) -> str:
        """What a URL without a path means."""
        return BASES.get(self.dialect, "") if self.base is None else self.base

    @property
    def needs_key(self) -> bool:
        return self.env is not None

    def credential(self, key: str) -> list[Line]:
        """The lines that show a key; none where the dialect signs."""
        kind, _, name = self.auth.partition(" ")
        if kind == "bearer":
            return [(b"authorization", b"Bearer " + key.encode())]
        return [(name.encode(), key.encode())] if kind == "header" else []


@cache
def providers() -> dict[str, Provider]:
    """Every provider by its name."""
    rows = tomllib.loads(files("headgate_ai").joinpath("providers.toml").read_text("utf-8"))
    return {name: msgspec.convert({"name": name, **row}, Provider) for name, row in rows.items()}
