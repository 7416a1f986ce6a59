"""The names that are always there, and those that hold after some line: one table of their types.

`needs` is the fact under which a root may be used; the flow analysis reads it from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from headgate.contracts.shapes import Caller, Served, Usage
from headgate.language import types as t
from headgate.language.annotations import record_of


@dataclass(frozen=True, slots=True)
class Root:
    type: t.Record
    needs: str | None = None
    hint: str = ""


TEXTS = t.MapType(t.TEXT)

REQUEST = t.Record(
    "request",
    (
        ("method", t.TEXT),
        ("path", t.TEXT),
        ("host", t.TEXT),
        ("scheme", t.TEXT),
        ("params", t.MapType(t.JSON)),
        ("query", TEXTS),
        ("header", TEXTS),
        ("cookie", TEXTS),
        ("id", t.TEXT),
        ("size", t.Optional(t.SIZE)),
        ("idempotent", t.BOOL),
    ),
)
CLIENT = t.Record("client", (("ip", t.IP), ("port", t.INT), ("tls", t.BOOL)))
ROUTE = t.Record("route", (("name", t.TEXT), ("public", t.BOOL), ("api", t.Optional(t.TEXT))))
RESPONSE = t.Record("response", (("status", t.STATUS), ("header", TEXTS), ("bytes", t.SIZE)))

ROOTS: dict[str, Root] = {
    "request": Root(REQUEST),
    "client": Root(CLIENT),
    "route": Root(ROUTE),
    "caller": Root(record_of(Caller), "auth", "`caller` is known after an `auth.*` step"),
    "response": Root(RESPONSE, "response", "`response` exists below `forward`, `ai.chat` or another hinge"),
    "served": Root(record_of(Served), "response", "`served` exists below `forward`, `ai.chat` or another hinge"),
    "usage": Root(record_of(Usage), "closed", "`usage` is complete in `finally`"),
}

VALUES: dict[str, tuple[t.Type, str | None]] = {
    "now": (t.TIME, None),
    "outcome": (t.TEXT, "closed"),
    "duration": (t.DURATION, "closed"),
}

ERR_FIELDS: tuple[tuple[str, t.Type], ...] = (("kind", t.TEXT), ("status", t.STATUS), ("message", t.TEXT))

# What `set` and `remove` may touch (SEMANTICS §1.4); fields of a body that a line has read come on top.
SETTABLE = frozenset(
    {"request.header", "request.query", "request.path", "request.host", "response.header", "response.status"}
)

PATH_TYPES: dict[str, t.Type] = {"text": t.TEXT, "int": t.INT, "path": t.TEXT}
