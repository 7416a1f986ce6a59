"""Who is asking: `auth.key` (the node's own keys), `auth.jwt` (tokens of an issuer), `auth.basic` (names, passwords),
`auth.mtls` (client certificates).

Every one of them fails closed: what cannot be verified, for whatever reason, does not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from headgate.api import Kind, Node, hookimpl
from headgate_auth.basic import basic
from headgate_auth.jwt import jwt
from headgate_auth.key import key
from headgate_auth.kinds import KINDS
from headgate_auth.mtls import mtls
from headgate_auth.shared import open_shared

if TYPE_CHECKING:
    import click


class Auth:
    """The entry point. Keeps nothing itself."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return [key, jwt, basic, mtls]

    @hookimpl
    def register_kinds(self) -> Sequence[Kind]:
        return KINDS

    @hookimpl
    def open_resources(self, settings: Any, node: Node) -> AbstractAsyncContextManager[None]:
        return open_shared(node)

    @hookimpl
    def register_commands(self) -> Sequence[click.Command]:
        from headgate_auth.passwd_verb import passwd

        return [passwd]
