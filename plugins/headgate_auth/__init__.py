"""Who is asking: `auth.key` (the node's own keys), `auth.jwt` (tokens of an issuer), `auth.basic` (names, passwords).

Every one of them fails closed: what cannot be verified, for whatever reason, does not pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.api import Kind, hookimpl
from headgate_auth.key import key
from headgate_auth.kinds import KINDS


class Auth:
    """The entry point. Keeps nothing itself."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return [key]

    @hookimpl
    def register_kinds(self) -> Sequence[Kind]:
        return KINDS
