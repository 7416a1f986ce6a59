"""What every test of a fault has: upstreams that play, and a book of how long it took until all was normal.

`make faults` prints that book; the column "until normal" of docs/reliability.md is copied from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fault_stage import Stage

_BOOK: dict[str, float] = {}
Measured = Callable[[float], None]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage().running() as stage:
        yield stage


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Note how many seconds this fault took to pass."""

    def note(seconds: float) -> None:
        _BOOK[request.node.name] = seconds

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _BOOK and config.option.verbose > 0:
        terminalreporter.section("until all was normal")
        for name, seconds in sorted(_BOOK.items()):
            terminalreporter.write_line(f"{seconds * 1000:8.0f} ms  {name}")
