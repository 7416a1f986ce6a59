"""What people read about requests: the access log, and the step `log.call` that says what a row holds.

    log.call durable=true body=both max=4KB fields={tier: "gold"}

Every exchange has its row whether or not `log.call` stands in its route; the access log prints one line for each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from headgate.api import Node, Sink, hookimpl
from headgate_log.access import AccessLog
from headgate_log.calls import log_call
from headgate_log.settings import LogSettings

STATE = "log"


class Log:
    """The plugin's hooks."""

    @hookimpl
    def register_settings(self) -> type[LogSettings]:
        return LogSettings

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        return [log_call]

    @hookimpl
    def open_resources(self, settings: LogSettings | None, node: Node) -> AbstractAsyncContextManager[None] | None:
        settings = settings or LogSettings()
        return None if node.rehearsing or not settings.access else _access_log(settings, node)

    @hookimpl
    def register_sinks(self, settings: LogSettings | None, node: Node) -> Sequence[Sink]:
        return [node.state[STATE]] if STATE in node.state else []


@asynccontextmanager
async def _access_log(settings: LogSettings, node: Node) -> AsyncIterator[None]:
    log = AccessLog.to_stderr(settings.format)
    node.state[STATE] = log
    async with log.writing():
        yield
