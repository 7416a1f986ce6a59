"""A worker: a `Server` that starts, reloads and stops as the master says.

1. What is prepared waits in `_next`; a commit swaps one reference.
2. While it waits for `Go`, its sockets are open and it accepts nothing.
3. It beats once a second. A loop that does not turn does not beat, and the master notices.
4. The end of the channel means that the master is gone: nobody would replace this worker, or tell it to stop.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import trio

from headgate.errors import HeadgateError, InternalError, PolicyError, SettingsError
from headgate.host.plugins import Plugins
from headgate.host.settings import Settings
from headgate.language.parcel import Unpacker
from headgate.pipeline.snapshot import Snapshot
from headgate.serve import Ready, Server, open_server
from headgate.supervise import frames
from headgate.supervise.collector import settle_collector
from headgate.supervise.frames import AnyMessage, Frames, Message
from headgate.supervise.memory import memory_bytes
from headgate.supervise.stacks import dump_to_stderr
from headgate.wire.balance import Balance
from headgate.wire.binds import Sockets, addresses

log = logging.getLogger("headgate")

BEAT_S = 1.0
# Who has just been answered may have sent the next request on the same connection already.
LINGER_S = 0.5
Greet = Callable[[Server, Sequence[str], Sequence[str]], Awaitable[str]]
Show = Callable[[HeadgateError], str]


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker is given: its name, what it serves and where, and how it speaks to people.

    `balance` is how many connections it and the others hold. `greet` gives what a node says when it is up; only the first
    worker of a node is asked for it, and it is told where the node is probed (`probes`). `show` gives an error as a terminal
    shows it. `modules` are those that were imported before it began.
    """

    name: str
    settings: Settings
    plugins: Plugins
    ready: Ready
    generation: int
    sockets: Sockets
    balance: Balance
    unpacker: Unpacker
    show: Show
    greet: Greet | None = None
    leads: bool = False
    modules: frozenset[str] = frozenset()
    probes: Sequence[str] = ()


def work(post: Post, sock: socket.socket) -> int:
    """Be a worker until the end; gives the exit status."""
    try:
        trio.run(_main, post, sock, restrict_keyboard_interrupt_to_checkpoints=True)
    except BaseException as error:
        cause = _alone(error)
        if not isinstance(cause, HeadgateError):
            log.critical("this worker cannot go on", exc_info=error)
            cause = InternalError(f"a worker cannot go on: {type(cause).__name__}: {cause}")
        sock.setblocking(True)
        _last_words(sock, frames.Failed(post.show(cause), 2 if isinstance(cause, SettingsError) else 1))
        return 1
    return 0


def _alone(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _last_words(sock: socket.socket, message: Message) -> None:
    try:
        sock.settimeout(1.0)
        sock.sendall(frames.encode(message))
    except OSError:
        pass


async def _main(post: Post, sock: socket.socket) -> None:
    async with open_server(
        post.settings, post.plugins, post.ready, worker=post.name, generation=post.generation
    ) as server:
        server.node.leads = post.leads
        await _Worker(post, server, trio.socket.from_stdlib_socket(sock)).run()


class _Worker:
    def __init__(self, post: Post, server: Server, sock: trio.socket.SocketType) -> None:
        self.post = post
        self.server = server
        self._sock = sock
        self._speaking = trio.Lock()
        self._go = trio.Event()
        self._stop = trio.Event()
        self._linger_s = 0.0
        self._next: Snapshot | None = None

    def __repr__(self) -> str:
        return f"<Worker {self.post.name} {self.server!r}>"

    async def _started(self) -> frames.Started:
        generation = self.server.engine.snapshot.generation
        if self.post.greet is None:
            return frames.Started(generation)
        quic = [f"https+quic://{bind}" for bind in self.server.settings.bind_quic]
        greeting = await self.post.greet(self.server, [*addresses(self.post.sockets), *quic], self.post.probes)
        return frames.Started(generation, greeting, tuple(sorted(sys.modules.keys() - self.post.modules)))

    async def run(self) -> None:
        """Serve until told to stop, and until all that runs is finished."""
        started = await self._started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            nursery.start_soon(self._sigterm)
            nursery.start_soon(self._beats)
            settle_collector()
            await self._say(started)
            await self._go.wait()
            if not self._stop.is_set():
                async with trio.open_nursery() as serving:
                    await serving.start(self.server.run, self.post.sockets, self.post.balance)
                    await self._say(frames.Serving(self.server.engine.snapshot.generation))
                    await self._stop.wait()
                    # Who asked may have been another than the master, which is to know before this worker has ended.
                    await self._say(self._beat())
                    await self.server.stop(self._linger_s)
            nursery.cancel_scope.cancel()

    async def _say(self, message: Message) -> None:
        """A master that is gone hears nothing, which `_listen` notices."""
        async with self._speaking:
            view = memoryview(frames.encode(message))
            try:
                while view:
                    view = view[await self._sock.send(view) :]
            except OSError:
                pass

    async def _beats(self) -> None:
        while True:
            await self._say(self._beat())
            await trio.sleep(BEAT_S)

    def _beat(self) -> frames.Beat:
        live = [connection for lane in self.server.connections for connection in lane.live]
        idle = sum(connection.idle for connection in live)
        engine = self.server.engine
        sets = 1 + len(self.server.retired)
        return frames.Beat(
            len(live), idle, self.server.active, engine.handled, sets, self._stop.is_set(),
            memory_bytes(), self.server.overloaded, self.server.sheds,
        )  # fmt: skip

    async def _listen(self) -> None:
        taken = Frames()
        while True:
            try:
                data = await self._sock.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                break
            for message in taken.feed(data):
                await self._obey(message)
        dump_to_stderr()
        log.error("the master is gone: this worker finishes what runs, and ends")
        self._drain(0.0)

    async def _sigterm(self) -> None:
        with trio.open_signal_receiver(signal.SIGTERM) as received:
            async for _ in received:
                self._drain(LINGER_S)

    def _drain(self, linger_s: float) -> None:
        self._linger_s = linger_s
        if self._stop.is_set() and not linger_s:
            self.server.hasten()
        self._stop.set()
        self._go.set()

    async def _obey(self, message: AnyMessage) -> None:
        match message:
            case frames.Go():
                self._go.set()
            case frames.Prepare(generation, parcel):
                await self._prepare(generation, parcel)
            case frames.Commit(generation):
                await self._commit(generation)
            case frames.Abort():
                await self._throw_away()
            case frames.Drain(linger_s):
                self._drain(linger_s)
            case frames.Cut():
                self.server.cut()
            case frames.Lead():
                self.server.node.leads = True

    async def _prepare(self, generation: int, parcel: bytes) -> None:
        await self._throw_away()
        try:
            program, sources = await trio.to_thread.run_sync(self.post.unpacker.unpack, parcel)
            self._next = self.server.provision(Ready(program, sources), generation)
        except PolicyError as error:
            await self._say(frames.Refused(generation, self.post.show(error)))
        except Exception as error:
            log.exception("the policies cannot be prepared")
            said = self.post.show(InternalError(f"the reload failed: {type(error).__name__}: {error}"))
            await self._say(frames.Refused(generation, said))
        else:
            await self._say(frames.Prepared(generation))

    async def _commit(self, generation: int) -> None:
        if self._next is None or self._next.generation != generation:
            # Whoever replaces this worker begins with what was decided.
            log.error("generation %d is to be served here, and was not prepared: this worker ends", generation)
            self._drain(0.0)
            return
        self.server.commit(self._next)
        self._next = None
        await self._say(frames.Serving(generation))
        await self._say(self._beat())

    async def _throw_away(self) -> None:
        thrown, self._next = self._next, None
        if thrown is not None:
            await thrown.retire()
