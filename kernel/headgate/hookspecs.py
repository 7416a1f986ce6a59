"""The hooks: what the host asks a plugin, when plugins load and when policies reload. Never during a request.

Every hook is synchronous and returns declarations. The objects that carry asynchronous methods are made by
`open_resources` and live as long as the node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

from headgate.contracts.kinds import Kind

if TYPE_CHECKING:
    import click
    import msgspec

    from headgate.contracts.ai import Speaks
    from headgate.contracts.node import Node, Stores
    from headgate.contracts.stores import Sink

hookspec = pluggy.HookspecMarker("headgate")
hookimpl = pluggy.HookimplMarker("headgate")


@hookspec
def register_settings() -> type[msgspec.Struct] | None:
    """The shape of this plugin's table in `headgate.toml`; an unknown key there is an error with a suggestion."""


@hookspec
def open_resources(settings: Any, node: Node) -> AbstractAsyncContextManager[None] | None:
    """A context that is entered before the first policy serves and left after the last exchange ended.

    `settings` is this plugin's own table, as `register_settings` shapes it, or None.
    """


@hookspec
def register_stores(settings: Any, stores: Stores, node: Node) -> AbstractAsyncContextManager[None] | None:
    """A context that fills roles in `stores`. A role that is filled already is left alone; stores open first."""


@hookspec
def register_steps() -> Sequence[Callable[..., Any]]:
    """The steps and blocks, functions or bound methods declared with `@step` and `@block`."""


@hookspec
def register_functions() -> Sequence[Callable[..., Any]]:
    """The pure functions that expressions may call, declared with `@function`."""


@hookspec
def register_resources() -> Sequence[Callable[..., Any]]:
    """The kinds of resource, each the function that builds one, declared with `@resource`."""


@hookspec
def register_kinds() -> Sequence[Kind]:
    """The kinds of failure that this plugin's steps raise beside the kernel's."""


@hookspec
def register_dialects() -> Sequence[Speaks]:
    """The dialects of models' APIs that this plugin speaks, with clients, with providers or with both.

    A provider's row and a route's `read.chat` find them by name.
    """


@hookspec
def register_sinks(settings: Any, node: Node) -> Sequence[Sink]:
    """Whoever wants every row of the call log: access logs, metrics. The store of the role `calls` gets them anyway."""


@hookspec
def register_commands() -> Sequence[click.Command]:
    """Verbs for the command line."""
