"""Upstreams and the ways to them: `forward` and `call`, and the blocks `retry`, `fallback`, `hedge`, `split` and `timeout`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.api import hookimpl
from headgate_routing.bounds import timeout
from headgate_routing.called import call
from headgate_routing.fallback import fallback
from headgate_routing.forward import forward
from headgate_routing.hedge import hedge
from headgate_routing.resource import upstream
from headgate_routing.retry import retry
from headgate_routing.split import split

__all__ = ["Routing"]


class Routing:
    """The plugin."""

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return (forward, call, retry, fallback, hedge, split, timeout)

    @hookimpl
    def register_resources(self) -> Sequence[Callable[..., Any]]:
        return (upstream,)
