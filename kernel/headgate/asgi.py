"""A node for any ASGI server that runs on trio: `hypercorn -k trio headgate.asgi:app`.

Settings come from `headgate.toml` and the environment, as for `headgate serve`; where to listen, with which certificate and
with how many processes is the server's to say. `headgate serve` does more (docs/http.md) and is much faster.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from headgate.configured import faults_of, limits_of
from headgate.contracts.transport import Tended
from headgate.errors import HeadgateError, PolicyError, SettingsError
from headgate.host.loglines import log_to_stderr
from headgate.host.origins import Origins
from headgate.host.plugins import load_plugins
from headgate.host.policies import stamps
from headgate.host.settings import load_settings
from headgate.language.render import render
from headgate.serve import Server, changes, open_server, prepare, reload_on
from headgate.wire.asgi import AsgiDoor, Receive, Scope, Send

log = logging.getLogger("headgate")
_FILE = Path("headgate.toml")


class App:
    """The application. It opens its node when the server starts it up, and closes it when it is shut down."""

    def __init__(self) -> None:
        self._door: AsgiDoor | None = None
        self._as_json = False
        self._origins = Origins()

    def __repr__(self) -> str:
        return f"<App {'serving' if self._door else 'not started'}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3.0."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._door is None:
            raise RuntimeError("headgate.asgi needs a server that speaks ASGI's lifespan")
        else:
            await self._door(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        self._speak(as_json=os.environ.get("HEADGATE_LOG_FORMAT") == "json")
        try:
            await self._serve(receive, send)
        except HeadgateError as error:
            if isinstance(error, SettingsError) and error.log_format == "json":
                self._speak(as_json=True)
            self._say(self._told(error), wrong=True)
            await send({"type": "lifespan.startup.failed", "message": "nothing is served: mend what stands above"})

    async def _serve(self, receive: Receive, send: Send) -> None:
        plugins = load_plugins()
        judge = functools.partial(faults_of, listens=False)
        settings = load_settings(_file(), os.environ, {}, plugins.settings_shapes(), judge)
        self._origins = settings.origins
        settings.bind = settings.bind_tls = settings.bind_quic = []  # who listens is the server that runs this
        self._speak(as_json=settings.log_format == "json")
        seen = stamps(Path(settings.policies))
        ready = await trio.to_thread.run_sync(prepare, settings, plugins)
        async with open_server(settings, plugins, ready) as server, trio.open_nursery() as nursery:
            nursery.start_soon(server.engine.watch.run)
            if isinstance(server.node.transport, Tended):
                await nursery.start(server.node.transport.run)
            if settings.reload:
                nursery.start_soon(reload_on, server, changes(Path(settings.policies), seen), self._report)
            self._door = AsgiDoor(server.engine, limits_of(settings), on_refused=server.refused)
            await send({"type": "lifespan.startup.complete"})
            await receive()  # lifespan.shutdown
            self._door.draining.set()
            await _drained(server)
            nursery.cancel_scope.cancel()
        self._door = None
        await send({"type": "lifespan.shutdown.complete"})

    def _speak(self, *, as_json: bool) -> None:
        self._as_json = as_json
        if as_json:
            log_to_stderr(as_json=True)  # as text, log lines look as the server wants them

    def _report(self, error: HeadgateError | None) -> None:
        said = "reloaded" if error is None else f"{self._told(error)}\nwhat was serving goes on serving"
        self._say(said, wrong=error is not None)

    def _told(self, error: HeadgateError) -> str:
        """An error as `headgate serve` prints it."""
        if isinstance(error, PolicyError):
            return render(list(error.diagnostics), error.sources)
        return f"error: {self._origins.told(error) if isinstance(error, SettingsError) else error}"

    def _say(self, text: str, *, wrong: bool) -> None:
        if self._as_json:
            log.log(logging.ERROR if wrong else logging.INFO, "%s", text)
        else:
            print(text, file=sys.stderr)


def _file() -> Path | None:
    return _FILE if _FILE.is_file() else None


async def _drained(server: Server) -> None:
    with trio.move_on_after(server.settings.drain_s):
        await server.engine.snapshot.retire()


app: Callable[[Scope, Receive, Send], Any] = App()
