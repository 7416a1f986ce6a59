"""What is shown is what was measured: on the console, in the page, and in its picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.bench import page
from tests.bench.cases import CASES, REST
from tests.bench.made_runs import measured, run
from tests.bench.plot import svg
from tests.bench.report import case_table, console, markdown, number, promise, tables
from tests.bench.runs import read, write

CASE = next(case for case in CASES if case.name == "rest-small-32")
FOUND = measured(
    run(CASE.name, "caddy", 0, rate=500, cpu_us=200), run(CASE.name, REST, 0, rate=1000, cpu_us=100, rows=1003),
    run(CASE.name, "caddy", 1, rate=400, cpu_us=300, others=0.4), run(CASE.name, REST, 1, rate=1200, cpu_us=100),
    skipped=("envoy: not there",),
)  # fmt: skip


def test_a_case_shows_medians_and_ratios_and_leaves_out_who_has_no_run() -> None:
    head, rows = case_table(FOUND, CASE)
    assert rows == [["caddy", "450", "250.0", "11%", "2.50", "2.50"], [REST, "1,100", "100.0", "11%", "", ""]]
    assert len(head) == 6


def test_a_table_lines_up_on_the_console_and_is_one_on_the_page() -> None:
    table = (("a", "bb"), [["long", "1"], ["x", "22"]])
    assert console(table) == "a     bb\nlong   1\nx     22"
    assert markdown(table) == "| a | bb |\n| --- | --- |\n| long | 1 |\n| x | 22 |"


def test_cases_that_were_not_measured_have_no_table() -> None:
    assert {title for title, _ in tables(FOUND)} == {
        "Goals",
        CASE.title,
        "What that makes of 8 cores, if nothing else is short",
    }


def test_eight_cores_do_what_the_cost_of_a_request_allows() -> None:
    assert promise(FOUND)[1] == [[f"{CASE.title}: {REST}", "100 µs", "80,000"]]


def test_numbers_have_the_figures_that_count() -> None:
    assert [number(value) for value in (None, 0.128, 9.994, 81.4, 1234.5)] == ["–", "0.13", "9.99", "81", "1,234"]


def test_a_run_is_printed_with_what_is_wrong_with_it() -> None:
    bad = run(CASE.name, REST, wrong="3 of 9 answers have no row", rows=6)
    assert str(bad).endswith("6 rows  WRONG: 3 of 9 answers have no row")


def test_runs_come_back_from_json_as_they_were(tmp_path: Path) -> None:
    write(FOUND, tmp_path / "runs.json")
    assert read(tmp_path / "runs.json") == FOUND


def test_only_what_is_between_the_marks_is_written() -> None:
    before = f"# Page\n\n{page.BEGIN}\n\nold\n\n{page.END}\n\nmore\n"
    assert page.placed(before, "new") == f"# Page\n\n{page.BEGIN}\n\nnew\n\n{page.END}\n\nmore\n"
    with pytest.raises(ValueError, match="no marks"):
        page.placed("# Page", "new")


def test_the_page_says_what_was_left_out_and_what_went_wrong() -> None:
    text = page.block(measured(run(CASE.name, REST, wrong="12 not 2xx"), skipped=("envoy: not there",)))
    assert "Left out: envoy: not there." in text
    assert f"WRONG: {CASE.name}, {REST}: 12 not 2xx" in text


def test_the_page_and_its_picture_are_those_of_the_runs_beside_them() -> None:
    kept = read(page.KEPT)
    assert page.placed(page.PAGE.read_text(), page.block(kept)) == page.PAGE.read_text(), (
        "run `python -m tests.bench.page`"
    )
    assert svg(kept) == page.PICTURE.read_text()


def test_the_picture_is_svg_with_a_bar_for_each_gateway() -> None:
    bars = ElementTree.fromstring(svg(FOUND)).findall("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - our own
    assert len(bars) == 1 + 2  # the ground, and two gateways
    assert svg(measured()).endswith("</svg>\n")
