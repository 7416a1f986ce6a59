"""Whose bug it is that a node cannot open: a hook that raises what no hook should is its plugin's fault, by name.

Such a node does not start. To go on without a plugin that was to check keys, or to keep them, would be worse.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType

from headgate.errors import HeadgateError, PluginFault

log = logging.getLogger("headgate")


@contextmanager
def blaming(plugin: str, hook: str) -> Iterator[None]:
    """Make a PluginFault of what a hook raises by mistake. What it says on purpose passes."""
    try:
        yield
    except HeadgateError:
        raise
    except Exception as error:
        said = f"the plugin `{plugin}` failed in `{hook}`: {type(error).__name__}: {error}"
        log.error("%s", said, exc_info=error)
        raise PluginFault(said, plugin=plugin) from error


class Blamed(AbstractAsyncContextManager[None]):
    """A context that a hook gave, entered under the name of its plugin."""

    def __init__(self, context: AbstractAsyncContextManager[None], plugin: str, hook: str) -> None:
        self._context = context
        self._plugin = plugin
        self._hook = hook

    def __repr__(self) -> str:
        return f"<Blamed {self._hook} of {self._plugin}>"

    async def __aenter__(self) -> None:
        with blaming(self._plugin, self._hook):
            await self._context.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._context.__aexit__(kind, error, trace)
