"""A test of a fragment runs on a route that is made for it."""

from __future__ import annotations

import pytest
from findings_of import codes_of

HEAD = 'policy 1\nupstream orders { url = "http://orders.internal:8080" }\n'


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("guard.size 1MB", "status == 200"),
        ("forward orders", "status == 503"),
        ("retry 1 on=[502] { forward orders }", "status == 503"),
    ],
)
def test_a_fragment_that_answers_is_answered_for_by_nobody_else(fragment: str, expected: str) -> None:
    text = f'{HEAD}fragment f() {{ {fragment} }}\ntest "alone" with f() {{\ngiven orders = reply(503)\nsend GET /\n'
    assert codes_of({"main.policy": f"{text}expect {expected}\n}}\n"}) == []
