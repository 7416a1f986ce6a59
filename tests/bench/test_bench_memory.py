"""What the measurements of memory make of what they see, and small runs of those that need nothing but a node."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.bench.crowds import gathered
from tests.bench.endurance import Endured, endure
from tests.bench.lines import drawn, ticks
from tests.bench.memory import Samples, pss_mb, rss_mb, sampling, slope
from tests.bench.overload import Answer, measured, normal_after


def test_memory_of_this_process_is_known() -> None:
    assert 10 < pss_mb(os.getpid()) <= rss_mb(os.getpid()) + 1
    with sampling(os.getpid(), 0.01) as samples:
        pass
    assert len(samples.rows) >= 2
    assert samples.sums()[0][1] > 10


def test_a_process_that_has_ended_holds_nothing() -> None:
    assert rss_mb(2**22 + 1) == 0


def test_growth_is_that_of_the_later_half() -> None:
    filled = [(float(x), min(x, 10) * 5.0) for x in range(100)]
    assert slope(filled) == pytest.approx(0)
    assert slope([(x, y + 2 * x) for x, y in filled]) == pytest.approx(2)


def test_requests_are_spread_over_a_round(tmp_path: Path) -> None:
    samples = Samples(0.0, [(0.0, {1: 100.0}), (5.0, {1: 101.0, 2: 7.0}), (10.0, {1: 101.0})])
    endured = Endured(samples, [(0.0, 0), (10.0, 2_000_000)])
    assert endured.points() == [(1.0, 108.0), (2.0, 101.0)]
    endured.write(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[2] == "5.0,1000000,101.0,7.0"
    assert endured.told().startswith(
        "2,000,000 requests in 10 s: 108.0 MB at first, 101.0 MB at last, at most 108.0 MB"
    )


def test_a_picture_begins_at_zero() -> None:
    picture = ElementTree.fromstring(drawn([(0.0, 100.0), (1.0, 100.0), (2.0, 110.0)], "MB & more"))  # noqa: S314 - ours
    assert [one.text for one in picture if (one.text or "") == "MB & more"]
    assert ticks(121.0) == [0, 50, 100]
    assert ticks(5.0) == [0, 1, 2, 3, 4, 5]


def test_a_run_is_measured_by_what_was_accepted() -> None:
    found = [Answer(float(at), 503 if at % 2 else 200, 0.001 if at % 2 else 0.1) for at in range(100)]
    row = measured(found, 1.0, 0.01)
    assert (row.shed, row.p50_ms, row.health_ms) == (pytest.approx(0.5, abs=0.01), 100, 10)
    assert row.goodput == pytest.approx(0.5, abs=0.02)


def test_normal_is_behind_the_last_answer_that_was_unusual() -> None:
    slow = [Answer(10.0 + at / 10, 200, 1.0 if at < 7 else 0.01) for at in range(60)]
    assert normal_after(slow, 10.0, 0.1) == pytest.approx(1.6)
    assert normal_after(slow, 12.0, 0.1) == 0
    assert normal_after([Answer(10.0, 503, 0.01)], 9.5, 0.1) == pytest.approx(0.51)


@pytest.mark.parametrize("kind", ["idle", "sse", "poll"])
def test_a_small_crowd_is_served_whole(kind: str) -> None:
    found = gathered(kind, 60, period_s=0.2, seconds=1.0, workers=1)
    assert (found.cut, found.refused, found.connections) == (0, 0, 60)
    assert found.came_a_second > (100 if kind != "idle" else -1)


@pytest.mark.skipif(not shutil.which("wrk") or not shutil.which("nginx"), reason="needs Debian's wrk and nginx-light")
def test_a_small_run_of_endurance_counts_its_requests(tmp_path: Path) -> None:
    folder = tmp_path / "bed"
    folder.mkdir()
    endured = endure(100, folder, round_s=1.0)
    assert endured.answered[-1][1] >= 100
    assert not endured.wrong
    assert endured.points()
