"""The page about faults names a test for each, each of these tests exists, and no test of a fault is left out."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## Overload")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| Fault")
]
NAMED = set(re.findall(r"`(test_\w+)", PAGE))


def text_of(files: list[Path]) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_fault_says_all_six_things_and_names_its_test() -> None:
    assert len(ROWS) > 40
    assert [row for row in ROWS if len(row) != 6 or not row[3] or not row[4] or "`test_" not in row[5]] == []


def test_every_test_that_the_page_names_exists() -> None:
    defined = set(re.findall(r"def (test_\w+)\(", text_of(sorted(TESTS.rglob("test_*.py")))))
    assert NAMED - defined == set()


def test_every_test_of_a_fault_stands_on_the_page() -> None:
    defined = set(re.findall(r"def (test_\w+)\(", text_of(sorted((TESTS / "faults").glob("test_*.py")))))
    assert defined - NAMED == set()


def test_every_kind_that_the_page_names_is_one_of_its_test_s() -> None:
    """`[refuses]` behind a test is one of its parameters."""
    kinds = set(re.findall(r"\[([a-z0-9-]+)\]`", PAGE))
    written = text_of(sorted((TESTS / "faults").glob("test_*.py")))
    assert [kind for kind in sorted(kinds) if f'"{kind}"' not in written] == []
