"""What `respond` and `redirect` take, written as steps write it, so one rule checks them all."""

from __future__ import annotations

from headgate.language import types as t
from headgate.language.vocabulary import ParamSpec

RESPOND = (
    ParamSpec("json", t.JSON, required=False),
    ParamSpec("text", t.TEXT, required=False),
    ParamSpec("body", t.ANY, required=False),
    ParamSpec("error", t.TEXT, required=False),
    ParamSpec("type", t.TEXT, required=False),
    ParamSpec("retry_after", t.DURATION, required=False),
    ParamSpec("headers", t.MapType(t.TEXT), required=False),
)

REDIRECT = (
    ParamSpec("status", t.STATUS, required=False),
    ParamSpec("headers", t.MapType(t.TEXT), required=False),
)
