"""What policies mean: the compiled program, its traced twin and the reference interpreter do the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from two_machines import checked_of, run_all

CASES = Path(__file__).resolve().parents[2] / "language" / "meaning"


def cases() -> list[Path]:
    return sorted(CASES.glob("*.policy"))


REQUESTS: list[tuple[str, dict[str, str]]] = [
    ("/", {}),
    ("/?a=1&b=x%2Fy&a=2", {"X-One": "one", "x-two": "a", "cookie": "c=1; d=2"}),
    ("/?flag=on", {"x-one": "0", "x-mode": "b"}),
    ("/?n=12&kind=t.one", {"x-mode": "c", "x-break": "a"}),
    ("/?kind=u.one", {"x-mode": "a"}),
]


@pytest.mark.parametrize("target", range(len(REQUESTS)))
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
async def test_three_machines_agree(case: Path, target: int) -> None:
    checked = checked_of(case.read_text(encoding="utf-8"))
    path, headers = REQUESTS[target]
    compiled, traced, oracle = await run_all(checked, "main", path, headers, {"id": 7, "name": "ana"})
    assert compiled == oracle
    assert traced == oracle


def test_there_are_cases() -> None:
    assert len(cases()) >= 10


async def test_the_machines_do_see_differences() -> None:
    text = 'policy 1\n\nroute main GET / public {\n    t.note "a"\n    respond 200 text="x"\n}\n'
    one: list[dict[str, Any]] = await run_all(checked_of(text), "main")
    other = await run_all(checked_of(text.replace('"a"', '"b"')), "main")
    assert one[0]["calls"] != other[2]["calls"]
