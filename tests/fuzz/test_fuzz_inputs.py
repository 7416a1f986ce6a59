"""The harnesses hold for their seeds, for every find that was kept, and for what hypothesis makes of both."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz import HARNESSES

HERE = Path(__file__).parent
FINDS = sorted(file for file in (HERE / "corpus").glob("*/*") if file.is_file())
EXAMPLES = {"policies": 60, "lane": 60}


def harness(name: str) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.{name}")


def edited(base: bytes, other: bytes, at: int, until: int, put: bytes) -> bytes:
    """One input with a piece of another in it."""
    start = at % (len(base) + 1)
    return base[:start] + put + other[until % (len(other) + 1) :]


def test_every_harness_is_listed() -> None:
    files = {file.stem for file in HERE.glob("*.py")} - {"__init__", "__main__", "running", "test_fuzz_inputs"}
    assert files == set(HARNESSES)
    assert {file.parent.name for file in FINDS} <= set(HARNESSES)


@pytest.mark.parametrize("name", HARNESSES)
def test_a_harness_holds_for_its_seeds(name: str) -> None:
    for seed in harness(name).SEEDS:
        harness(name).fuzz(seed)


@pytest.mark.parametrize("find", FINDS, ids=lambda find: f"{find.parent.name}-{find.name}")
def test_what_was_found_stays_mended(find: Path) -> None:
    harness(find.parent.name).fuzz(find.read_bytes())


@pytest.mark.parametrize("name", HARNESSES)
def test_a_harness_holds_for_what_resembles_its_seeds(name: str) -> None:
    made = harness(name)
    seeds = st.sampled_from(made.SEEDS)
    bits = st.sampled_from([b"", b"\r\n", b"\n", b"\r", b" ", b"\0", b":", b"\xff", b"{", b'"']) | st.binary(max_size=4)

    @settings(max_examples=EXAMPLES.get(name, 300), deadline=None)
    @given(data=st.builds(edited, seeds, seeds, st.integers(0, 400), st.integers(0, 400), bits))
    def holds(data: bytes) -> None:
        made.fuzz(data)

    holds()
