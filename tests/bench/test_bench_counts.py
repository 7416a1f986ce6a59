"""Processor time and rows of the call log are counted as they are."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.bench import rows
from tests.bench.cpu import TICKS_A_SECOND, cpu_s, family, used_s
from tests.bench.noise import not_idle_s


def test_processor_time_is_that_of_the_process_and_of_those_it_waited_for() -> None:
    line = "7 (a name) with ) S 1 7 7 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 5 0 99 1 2"
    assert used_s(line) == 127 / TICKS_A_SECOND


def test_a_family_is_a_process_and_what_it_started() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert child.pid in family(os.getpid())
        assert child.stdin is not None
        child.stdin.close()
    assert child.pid not in family(os.getpid())


def test_who_is_gone_used_nothing() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert cpu_s(child.pid) == 0.0


def test_a_cores_time_is_all_but_idle_and_waiting() -> None:
    stat = "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 100 1 50 7000 900 3 4 2 1 1\ncpu1 5 5 5 5 5 5 5 5 5 5\n"
    assert not_idle_s(stat, 0) == (100 + 1 + 50 + 3 + 4 + 2) / TICKS_A_SECOND


def test_rows_may_be_as_many_as_answers_and_what_was_in_flight() -> None:
    assert rows.unlike(100, 100, 32) == ""
    assert rows.unlike(132, 100, 32) == ""
    assert rows.unlike(99, 100, 32) == "1 of 100 answers have no row"
    assert rows.unlike(133, 100, 32) == "133 rows for 100 answers and 32 in flight"


def test_rows_of_all_days_are_counted_and_those_without_a_price_told(tmp_path: Path) -> None:
    for day, cost in (("2026-01-01", 5), ("2026-01-02", None)):
        with closing(sqlite3.connect(tmp_path / f"calls-{day}.db")) as connection, connection:
            connection.execute("CREATE TABLE calls (status INT, cost INT, input_tokens INT)")
            connection.executemany("INSERT INTO calls VALUES (?, ?, 12)", [(200, cost), (429, None)])
    assert rows.counted(tmp_path) == 4
    assert rows.unpriced(tmp_path) == 1
