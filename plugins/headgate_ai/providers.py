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


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider.

    `url` is None where the resource has to say. `auth` is how a key is shown: `bearer`, `header NAME`, `none`, or `dialect`
    where the dialect signs. `env` is the usual name of the variable that holds the key. `prices` is what price lists call
    the provider. `options` are for its dialect, `headers` lines that it wants besides, `docs` the page that says so.
    """

    name: str
    docs: str
    url: str | None = None
    dialect: str = "openai"
    auth: str = "bearer"
    env: str | None = None
    prices: str | None = None
    options: dict[str, Any] = {}
    headers: dict[str, str] = {}

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
