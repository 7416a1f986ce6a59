from __future__ import annotations

from typing import Any

import msgspec


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, whichever step authenticated: `caller` in a policy, after any `auth.*`."""

    id: str
    kind: str
    team: str | None = None
    application: str | None = None
    scopes: list[str] = []
    claims: dict[str, Any] = {}
