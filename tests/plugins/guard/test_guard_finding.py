"""What is found in texts, and what is not."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate_guard.finding import DETECTORS, OPEN, Finds

ALL = sorted({one.kind for one in DETECTORS})
FOUND = {
    "email": [
        "ana@example.com", "first.last+tag@sub.example.co.uk", "o'brien@example.ie", "müller@bücher.de", "a@b.io",
        "x_y%z@ex-ample.museum", "n@xn--bcher-kva.xn--p1ai",
    ],
    "phone": [
        "+49 30 1234567", "+1 (212) 555-0199", "+14155550123", "+33 1 42 68 53 00", "0049 30 1234567", "+44 (0)20 7946 0958",
        "212-555-0199", "(212) 555-0199", "(212)555-0199", "212.555.0199", "1-800-555-0199", "030 1234567", "01 42 68 53 00",
        "01.42.68.53.00", "0151 23456789", "020 7946 0958", "02079460958", "(030) 1234567", "02 9876 5432", "0151/23456789",
    ],
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "3782 822463 10005",
        "5555555555554444", "6011111111111117", "30569309025904", "4222222222222", "6304000000000000000"[:18] + "0",
    ],
    "iban": [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "NO9386011117947",
        "FR14 2004 1010 0505 0001 3M02 606", "de89370400440532013000", "MT84MALT011000012345MTLCAST001S", "BE68 5390 0754 7034",
    ],
    "ip": ["10.0.0.1", "255.255.255.255", "2001:db8::1", "::1", "fe80::1:2:3:4", "::ffff:192.0.2.1"],
    "ssn": ["123-45-6789", "123 45 6789"],
    "cpf": ["529.982.247-25"],
    "dni": ["12345678Z", "12345678-Z", "X1234567L"],
    "nir": ["2 55 08 14 168 025 38", "255081416802538"],
    "aadhaar": ["2341 2341 2346"],
}  # fmt: skip
NOT = {
    "email": ["ana@", "@example.com", "ana@example", "ana @example.com", "a@1.2.3.4", "@ana", "ana@@example.com"],
    "phone": [
        "2024-11-26", "26.11.2024", "01.02.2024 10:30", "2125550199", "1234567890123", "+0 123 456 789", "+49", "5 + 3",
        "$1 200 300", "0x0123456789", "00000000000", "2024-11-26T10:30:45", "192.168.100.200", "+1234567890123456",
    ],
    "card": [
        "4111111111111112", "411111111111", "41111111111111111111", "x4111111111111111", "4111  1111 1111 1111",
        "1732600000000", "0000000000000000", "550e8400-e29b-41d4-a716-446655440000",
    ],
    "iban": ["DE88370400440532013000", "DE8937040044053201300", "XX89370400440532013000", "DE89370400440532013000X"],
    "ip": ["256.1.1.1", "1.2.3", "10:30:45", "::", "std::vector"],
    "ssn": ["000-45-6789", "666-45-6789", "912-45-6789", "123-00-6789", "123-45-0000", "123456789", "123-45-67890"],
    "cpf": ["529.982.247-24", "111.111.111-11"],
    "dni": ["12345678A", "12345678"],
    "nir": ["2 55 08 14 168 025 39", "355081416802538"],
    "aadhaar": ["2341 2341 2347", "1341 2341 2346"],
}  # fmt: skip


def found(text: str, *kinds: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in Finds(kinds).hits(text, 0, final=True)]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in FOUND for value in FOUND[kind]])
@pytest.mark.parametrize("around", ["{}", "Mine is {}.", "({})", '"{}",', "a {} b", "是{}。", "x: {}\n", "<{}>"])
def test_a_value_is_found_whole_wherever_it_stands(kind: str, value: str, around: str) -> None:
    assert found(around.format(value), kind) == [value]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in NOT for text in NOT[kind]])
def test_what_only_looks_like_it_is_not_found(kind: str, text: str) -> None:
    assert found(text, kind) == []
    assert found(f"so {text} it is", kind) == []


@pytest.mark.parametrize(("text", "kind", "values"), [
    ("Mail ana@example.com, bo@example.org; thanks.", "email", ["ana@example.com", "bo@example.org"]),
    ("no 12 4111 1111 1111 1111 123", "card", ["4111 1111 1111 1111"]),
    ("mailto:ana@example.com?subject=x", "email", ["ana@example.com"]),
    ("-ana@example.com-", "email", ["ana@example.com"]),
    ("请联系ana@example.com谢谢", "email", ["ana@example.com"]),
    ("http://10.0.0.1:8080/", "ip", ["10.0.0.1"]),
    ("call 212-555-0199 or 212-555-0198", "phone", ["212-555-0199", "212-555-0198"]),
    ("a" * 100 + "@example.com", "email", ["a" * 100 + "@example.com"][:0]),
])  # fmt: skip
def test_where_a_value_ends(text: str, kind: str, values: list[str]) -> None:
    assert found(text, kind) == values


def test_of_two_that_begin_together_the_address_counts() -> None:
    assert found("4111111111111111@example.com", "card", "email") == ["4111111111111111@example.com"]


def test_a_find_that_reaches_into_another_hides_it() -> None:
    assert found("+49 30 1234567 4111111111111111", "phone", "card") == ["+49 30 1234567", "4111111111111111"]


WORST = [
    "a", "@", "a@", "a.", "1", "1 ", "1-", "0 1", "+", "+1 ", "(", "(2", "DE89", "de89 ", "a@a.", "a@a-", "4111 1111 ", ":", "1.",
    "<", "12345678", "0-", "É", "ssn 123-45-678 ", "a:",
]  # fmt: skip


class Steps:
    """Counts calls of functions, of Python's and of those written in C."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: Any, event: str, arg: Any) -> None:
        self.count += event in ("call", "c_call")


def steps(text: str, kinds: list[str], *, final: bool) -> int:
    counted = Steps()
    sys.setprofile(counted)
    try:
        for _ in Finds(kinds).hits(text, 0, final=final):
            pass
    finally:
        sys.setprofile(None)
    return counted.count


@pytest.mark.parametrize("piece", WORST)
@pytest.mark.parametrize("final", [True, False])
def test_each_further_part_of_a_text_takes_the_same_steps(piece: str, final: bool) -> None:
    for kinds in ([kind] for kind in ALL):
        one, two, three = (steps(piece * size, kinds, final=final) for size in (300, 600, 900))
        assert three - two <= 1.02 * (two - one) + 50, (piece, kinds)


@given(st.text(alphabet="aZ1904+-.@: ()/<é", max_size=60), st.sampled_from(ALL))
def test_a_text_that_is_not_final_is_open_or_decided_as_if_it_were(text: str, kind: str) -> None:
    whole = list(Finds([kind]).hits(text + "\n", 0, final=True))
    sofar = list(Finds([kind]).hits(text, 0, final=False))
    decided = [hit for hit in sofar if hit.end != OPEN]
    stop = next((hit.start for hit in sofar if hit.end == OPEN), len(text))
    assert decided == [hit for hit in whole if hit.start < stop]
