"""Every kind of failure that a policy can handle, with its default status and the fields of `err`.

A plugin adds its own kinds beside its steps; these are the ones that more than one room or plugin raises.
Field types are written as the language writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of failure: dotted name, default status, title for a person, and the types of its fields."""

    name: str
    status: int
    title: str
    fields: dict[str, str] = field(default_factory=dict)


# Where it failed: the target's URL, and `wait`, `connect`, `head` or `body`.
WAY_OUT = {"target": "text", "phase": "text"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind("request.invalid", 400, "The request is malformed", {"where": "text?", "errors": "json?"}),
        Kind("request.too_large", 413, "The body is too large", {"limit": "size"}),
        Kind("request.timeout", 408, "The request took too long to arrive"),
        Kind("auth.missing", 401, "No credentials were given"),
        Kind("auth.invalid", 401, "The credentials are not valid"),
        Kind("limit.exceeded", 429, "Too many requests", {"wait": "duration"}),
        Kind("upstream.unreachable", 502, "The upstream cannot be reached", WAY_OUT),
        Kind("upstream.timeout", 504, "The upstream took too long", WAY_OUT),
        Kind("upstream.protocol", 502, "The upstream gave no valid answer", WAY_OUT),
        Kind("upstream.status", 502, "The upstream answered with an error", {"upstream_status": "int"}),
        Kind("upstream.refused", 502, "The egress rules refuse this address", WAY_OUT),
        Kind("upstream.unconfigured", 503, "The upstream lacks a key that it needs"),
        Kind("upstream.unavailable", 503, "Every target of the upstream is out of service"),
        Kind("budget.exhausted", 402, "The budget is spent", {"spent": "money", "limit": "money", "wait": "duration?"}),
        Kind("budget.unbounded", 400, "The cost of this call cannot be bounded"),
        Kind("guard.blocked", 400, "A guard let this not pass", {"guard": "text", "where": "text?"}),
        Kind("ai.bad_output", 502, "The model did not give a usable answer"),
        Kind("ai.forbidden", 403, "This caller may not use this model"),
        Kind("ai.unknown_model", 404, "There is no such model"),
        Kind("ai.unknown_response", 404, "There is no such response"),
        Kind("ai.unsupported", 400, "The model cannot do what was asked"),
    )
}
