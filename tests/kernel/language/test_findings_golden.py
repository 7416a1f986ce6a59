"""Golden findings: a policy with one mistake, and what is said of it, message and all.

`tests/language/findings/E501-no-auth.policy` has its findings beside it in `.txt`; a folder is a case of several files,
with `main.policy` and `expected.txt`. The name says which code it is about.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from findings_of import findings_of

from headgate.language.codes import CODES
from headgate.language.render import render

FOLDER = Path(__file__).parents[2] / "language" / "findings"
CASES = sorted([*FOLDER.glob("*.policy"), *(path.parent for path in FOLDER.glob("*/main.policy"))])


def files_of(case: Path) -> dict[str, str]:
    if case.is_file():
        return {"main.policy": case.read_text()}
    return {path.relative_to(case).as_posix(): path.read_text() for path in case.rglob("*.policy")}


def expected_of(case: Path) -> Path:
    return case.with_suffix(".txt") if case.is_file() else case / "expected.txt"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_finding_reads_as_expected(case: Path) -> None:
    findings, sources = findings_of(files_of(case))
    assert render(findings, sources) + "\n" == expected_of(case).read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_one_mistake_is_one_finding(case: Path) -> None:
    findings, _ = findings_of(files_of(case))
    assert [finding.code for finding in findings] == [case.stem.partition("-")[0]]


def test_every_code_has_a_case() -> None:
    assert {case.stem.partition("-")[0] for case in CASES} == set(CODES)
