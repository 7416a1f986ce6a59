"""The call log, counted: every answer that a client got has its row, and nothing has two.

wrk ends with a request out on every connection; those may have rows too, and no more.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

QUIET_S, MOST_S = 0.3, 10.0


def counted(data: Path) -> int:
    """How many rows there are, of all days."""
    total = 0
    for file in data.glob("calls-*.db"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            total += connection.execute("SELECT count(*) FROM calls").fetchone()[0]
    return total


def settled(data: Path) -> int:
    """How many there are when no more come."""
    last, until = counted(data), time.monotonic() + MOST_S
    while time.monotonic() < until:
        time.sleep(QUIET_S)
        now = counted(data)
        if now == last:
            break
        last = now
    return last


def unlike(rows: int, answered: int, in_flight: int) -> str:
    """What is wrong with so many rows for so many answers; "" if nothing is."""
    if rows < answered:
        return f"{answered - rows} of {answered} answers have no row"
    if rows > answered + in_flight:
        return f"{rows} rows for {answered} answers and {in_flight} in flight"
    return ""


def unpriced(data: Path) -> int:
    """Rows of answered chats without their tokens or their price."""
    total = 0
    wanted = "SELECT count(*) FROM calls WHERE status = 200 AND (cost IS NULL OR cost <= 0 OR input_tokens IS NULL)"
    for file in data.glob("calls-*.db"):
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            total += connection.execute(wanted).fetchone()[0]
    return total
