"""The tables of the page about AI say what the tests of the matrix prove."""

from __future__ import annotations

from pathlib import Path

from matrix.features import FEATURES
from pairs_page import PAGE, page

TESTS = Path(__file__).resolve().parents[1] / "plugins" / "matrix"


def test_the_tables_are_those_that_the_code_makes() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_every_feature_of_the_tables_has_its_test() -> None:
    written = "".join(file.read_text(encoding="utf-8") for file in TESTS.glob("test_*.py"))
    assert [name for name in FEATURES.values() if f"def {name}(" not in written] == []
