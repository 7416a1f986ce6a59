from __future__ import annotations

import msgspec

from headgate.contracts.shapes.caller import Caller


class Names(list[str]):
    """A list of names in which `in` honours `*` (every name) and a trailing wildcard (`gpt-*`)."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        if list.__contains__(self, name):
            return True
        if list.__contains__(self, "*"):
            return isinstance(name, str)
        return isinstance(name, str) and any(own.endswith("*") and name.startswith(own[:-1]) for own in self)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key as `auth.key as key` binds it. The secret itself is nowhere: only its HMAC is stored.

    `models` are the model names it may use, `["*"]` for all, `gpt-*` for those that begin so; `x in models` knows.
    Times are seconds since 1970, UTC.
    """

    id: str
    name: str = ""
    team: str = ""
    application: str | None = None
    models: list[str] = msgspec.field(default_factory=lambda: ["*"])
    scopes: list[str] = []
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "models", Names(self.models))

    def caller(self) -> Caller:
        """Who asks with this key. What an `auth.*` step binds has this method."""
        return Caller(
            id=self.id, kind="key", team=self.team or None, application=self.application, scopes=list(self.scopes)
        )
