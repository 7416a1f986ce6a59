"""A plugin that fails on purpose, for nodes in processes of their own: `installed` puts it on their path.

`FAULTY_HOOK` names a hook that raises. `FAULTY_FILE` is a file with a JSON object that a test changes while the node runs:
`clock_s` is how far its wall clock is off, `names` is what its resolver knows (a list of addresses, or "fails", or "hangs").
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from headgate.api import CLOSE, Exchange, Failure, Kind, Node, Response, Sink, Stores, SystemClock, hookimpl, step

HERE = Path(__file__).resolve().parent
LEAKED: list[bytes] = []


def installed(folder: Path, **environ: str) -> dict[str, str]:
    """The environment in which a node finds this plugin, as one finds an installed one."""
    known = folder / "faulty-1.dist-info"
    known.mkdir(parents=True, exist_ok=True)
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1\n")
    (known / "entry_points.txt").write_text("[headgate]\nfaulty = faulty_plugin:Faulty\n")
    told = folder / "told.json"
    tell(told)
    path = os.pathsep.join(filter(None, (str(folder), str(HERE), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path, "FAULTY_FILE": str(told), **environ}


def tell(file: Path, **what: Any) -> None:
    """Change what the node's plugin is told, in one step."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(what))
    fresh.replace(file)


def told(name: str, default: Any) -> Any:
    return json.loads(Path(os.environ["FAULTY_FILE"]).read_text()).get(name, default)


def raises_if(hook: str) -> None:
    if os.environ.get("FAULTY_HOOK") == hook:
        raise RuntimeError(f"{hook} fails on purpose")


raises_if("import")


class WrongClock(SystemClock):
    """A wall clock that a test sets; the monotonic one is the machine's."""

    @staticmethod
    def time() -> float:
        return time.time() + float(told("clock_s", 0.0))


class Resolver(trio.abc.HostnameResolver):
    """Knows what it is told."""

    async def getaddrinfo(self, host: Any, port: Any, family: int = 0, *_: Any, **__: Any) -> list[Any]:
        found = told("names", "fails")
        if found == "hangs":
            await trio.sleep_forever()
        if found == "fails":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    async def getnameinfo(self, *_: Any) -> tuple[str, str]:
        raise NotImplementedError


class Pieces:
    """A body that fails behind its first piece."""

    length = None

    def __init__(self) -> None:
        self._left = [b"first "]

    async def read(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if self._left:
            return self._left.pop()
        raise RuntimeError("a body that fails on purpose")

    async def aclose(self) -> None:
        raise RuntimeError("a close that fails on purpose")


class BadSink:
    """Takes no row."""

    def add(self, row: Any) -> None:
        if row["path"] == "/sink":
            raise RuntimeError("a sink that fails on purpose")


def fail(*_: Any) -> None:
    raise RuntimeError("fails on purpose")


@step("faulty.line")
async def line(ctx: Exchange) -> None:
    """Raise in the line itself."""
    fail()


@step("faulty.undeclared")
async def undeclared(ctx: Exchange) -> None:
    """Raise a kind that was never declared."""
    raise Failure("faulty.never_said", "not declared", status=418)


@step("faulty.head")
async def at_head(ctx: Exchange) -> None:
    """Raise when the head is decided."""
    ctx.on_head(fail)


@step("faulty.filter")
async def in_filter(ctx: Exchange) -> None:
    """Raise on the first piece of the answer."""
    ctx.add_filter(lambda piece, last: fail() or piece)


@step("faulty.body", hinge=True)
async def in_body(ctx: Exchange) -> None:
    """Answer, and raise behind the first piece."""
    ctx.answer(Response(200, [], Pieces()))


@step("faulty.close", after=CLOSE)
async def at_close(ctx: Exchange) -> None:
    """Raise at the close."""
    ctx.on_close(fail)


@step("faulty.exits")
async def exits(ctx: Exchange) -> None:
    """Raise what no handler of exceptions catches."""
    raise SystemExit(3)


@step("faulty.blocks")
async def blocks(ctx: Exchange) -> None:
    """Block the event loop."""
    time.sleep(60)  # noqa: ASYNC251 - that is the fault


@step("faulty.leaks")
async def leaks(ctx: Exchange) -> None:
    """Keep what nobody needs."""
    LEAKED.append(os.urandom(1 << 20))


class Faulty:
    """The plugin."""

    def __init__(self) -> None:
        raises_if("init")

    @hookimpl
    def register_settings(self) -> None:
        raises_if("register_settings")

    @hookimpl
    def register_stores(self, settings: Any, stores: Stores, node: Node) -> None:
        node.clock = WrongClock()
        raises_if("register_stores")

    @hookimpl
    def open_resources(self, settings: Any, node: Node) -> AbstractAsyncContextManager[None]:
        raises_if("open_resources")
        return _opened(node)

    @hookimpl
    def register_steps(self) -> Sequence[Callable[..., Any]]:
        raises_if("register_steps")
        return [line, undeclared, at_head, in_filter, in_body, at_close, exits, blocks, leaks]

    @hookimpl
    def register_functions(self) -> Sequence[Callable[..., Any]]:
        raises_if("register_functions")
        return []

    @hookimpl
    def register_resources(self) -> Sequence[Callable[..., Any]]:
        raises_if("register_resources")
        return []

    @hookimpl
    def register_kinds(self) -> Sequence[Kind]:
        raises_if("register_kinds")
        return []

    @hookimpl
    def register_dialects(self) -> Sequence[Any]:
        raises_if("register_dialects")
        return []

    @hookimpl
    def register_sinks(self, settings: Any, node: Node) -> Sequence[Sink]:
        raises_if("register_sinks")
        return [BadSink()]

    @hookimpl
    def register_commands(self) -> Sequence[Any]:
        raises_if("register_commands")
        return []


@asynccontextmanager
async def _opened(node: Node) -> AsyncIterator[None]:
    if not node.rehearsing:
        trio.socket.set_custom_hostname_resolver(Resolver())
    raises_if("opening")
    yield
    raises_if("closing")
