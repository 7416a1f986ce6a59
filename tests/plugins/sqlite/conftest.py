"""Stores on a folder of the test's own, and programs that share it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from click.testing import CliRunner, Result

from headgate.api import Node, Stores, SystemClock
from headgate_sqlite import Sqlite
from headgate_sqlite.settings import SqliteSettings
from headgate_sqlite.stores import open_stores

Open = Callable[..., AbstractAsyncContextManager[Stores]]
ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys, time, pathlib, trio
from headgate.api import Limit, Node, Rate, Stores, SystemClock
from headgate_sqlite import Sqlite
from headgate_sqlite.settings import SqliteSettings
from headgate_sqlite.stores import open_stores

async def main():
    node = Node(SystemClock(), None, None, Stores(), data=pathlib.Path(sys.argv[1]), worker=sys.argv[2])
    async with open_stores(SqliteSettings(), node.stores, node):
        stores = node.stores
{body}

trio.run(main)
"""


class FakeClock:
    """A clock that a test sets."""

    def __init__(self, at: float = 1_767_225_600.0) -> None:
        self.at = at

    def time(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def opened(data: Path) -> Open:
    """Open stores on the data folder: `async with opened(keep_days=1, clock=…) as stores`."""

    @asynccontextmanager
    async def open_(clock: Any = None, **settings: Any) -> Any:
        node = Node(clock or SystemClock(), None, None, Stores(), data=data)  # type: ignore[arg-type]
        async with open_stores(SqliteSettings(**settings), node.stores, node):
            yield node.stores

    return open_


@pytest.fixture
def program(data: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start another process on the same folder; `body` runs with `stores` in scope."""

    def start(body: str, worker: str = "w9") -> subprocess.Popen[str]:
        text = PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "        "))
        environment = {"PYTHONPATH": f"{ROOT / 'kernel'}:{ROOT / 'plugins'}", "PATH": ""}
        return subprocess.Popen(
            [sys.executable, "-c", text, str(data), worker], stdout=subprocess.PIPE, text=True, env=environment
        )

    return start


class Place:
    """A workplace with the SQLite stores alone."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, work: Callable[[Node], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            node = Node(SystemClock(), None, None, Stores(), data=self.data)  # type: ignore[arg-type]
            async with open_stores(SqliteSettings(), node.stores, node):
                return await work(node)

        return trio.run(main)


@pytest.fixture
def run(data: Path) -> Callable[..., Result]:
    verbs = {command.name: command for command in Sqlite().register_commands()}

    def call(verb: str, *args: str) -> Result:
        return CliRunner().invoke(verbs[verb], args, obj=Place(data), env={"COLUMNS": "200"})

    return call


async def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait in real time for what another thread or process does."""
    with trio.fail_after(within_s):
        while not holds():
            await trio.sleep(0.01)


def row(**fields: Any) -> dict[str, Any]:
    """A row of the call log with the fields that every one has."""
    return {
        "at": 1_767_225_600.0, "id": "r1", "route": "orders", "method": "GET", "host": "api.test", "path": "/orders/7",
        "status": 200, "outcome": "ok", "duration_s": 0.0123, "bytes_in": 0, "bytes_out": 10, "client": "127.0.0.1",
        "worker": "w0", **fields,
    }  # fmt: skip
