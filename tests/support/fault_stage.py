"""Upstreams beside a live node, in a thread of their own: each has a port that stays, and plays a script that a test changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from headgate.testing import ScriptedUpstream, Wire, reply
from headgate.testing.upstreams import Script, closed_port

WELL = reply(200, b"well")


class Stage:
    """The upstreams, by name. None as a script means that nobody listens."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, int]] = {}
        self._scripts: dict[str, Script] = {}
        self._open: dict[str, ScriptedUpstream] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), name="stage")

    def __repr__(self) -> str:
        return f"<Stage {', '.join(self._places)}>"

    @contextmanager
    def running(self) -> Iterator[Stage]:
        """Serve until the block ends."""
        self._thread.start()
        self._ready.wait(10)
        try:
            yield self
        finally:
            trio.from_thread.run_sync(self._nursery.cancel_scope.cancel, trio_token=self._token)
            self._thread.join(10)

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as self._nursery:
            self._ready.set()
            await trio.sleep_forever()

    def url(self, name: str, script: Script | None = WELL, *, host: str = "127.0.0.1", port: int = 0) -> str:
        """The upstream of that name, which plays that script to begin with."""
        if name not in self._places:
            self._places[name] = (host, port or closed_port())
            if script is not None:
                self.plays(name, script)
        host, port = self._places[name]
        return f"http://{host}:{port}"

    def plays(self, name: str, script: Script) -> None:
        """From now on each new connection to it is played so."""
        self._scripts[name] = script
        if name not in self._open:
            trio.from_thread.run(self._listen, name, trio_token=self._token)

    async def _listen(self, name: str) -> None:
        async def script(wire: Wire) -> None:
            await self._scripts[name](wire)

        host, port = self._places[name]
        self._open[name] = await ScriptedUpstream(script, host=host).start(self._nursery, port=port)

    def opened(self, name: str) -> int:
        """How many connections it has had."""
        return self._open[name].opened

    def received(self, name: str) -> int:
        """How many whole requests it has had."""
        return len(self._open[name].received)
