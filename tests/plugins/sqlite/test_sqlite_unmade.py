"""A day's file that is there and has no table: it is being made, or its node was killed or the disk was full just then."""

from __future__ import annotations

from pathlib import Path

from tests.plugins.sqlite.conftest import FakeClock, row

from headgate_sqlite.files import calls_file
from headgate_sqlite.reading import Filter, Tail, booked, last_calls


async def test_a_day_s_file_without_its_table_has_no_rows_and_hides_none(opened, data: Path) -> None:
    async with opened(FakeClock()) as stores:
        stores.calls.add(row(id="kept"))
    (file,) = data.glob("calls-*.db")
    assert file.stat().st_size
    calls_file(data, 1).touch()
    assert [found["id"] for found in last_calls(data, Filter(), 10)] == ["kept"]
    assert booked(data, 0.0, "somebody") == 0
    assert Tail(data, Filter()).next() == []
