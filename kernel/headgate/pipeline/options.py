"""OPTIONS: what the node answers by itself, and which route a preflight goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.message.forwarding import ends_here
from headgate.message.response import Response

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange
    from headgate.pipeline.snapshot import Snapshot
    from headgate.pipeline.table import Entry


def answers_options(x: Exchange, snapshot: Snapshot) -> bool:
    """Answer what asks the node itself: `OPTIONS *` (RFC 9110 §9.3.7), and OPTIONS that may be sent on to no one."""
    request = x.request
    if request.path != "*" and not ends_here(request):
        return False
    methods = snapshot.table.methods(request.host, request.path)
    if methods or request.path == "*":
        x.answer(Response(204, [(b"allow", ", ".join(sorted(methods | {"OPTIONS"})).encode())]))
    return x.response is not None


def preflight(x: Exchange, snapshot: Snapshot) -> tuple[Entry | None, dict[str, object]]:
    """A CORS preflight goes to the route of the method that it asks for, if a step there answers preflights."""
    wanted = x.request.headers.get(b"access-control-request-method")
    if wanted is None or b"origin" not in x.request.headers:
        return None, {}
    entry, params, _ = snapshot.table.find(wanted.decode("latin-1"), x.request.host, x.request.path)
    return (entry, params) if entry is not None and entry.program.preflight else (None, {})
