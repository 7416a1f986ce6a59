"""What a status is called, the same wherever it is said."""

from __future__ import annotations

import json

import pytest

from headgate.message.reasons import title
from headgate.testing import open_gate
from headgate.wire.answer import Framing, render_head
from headgate.wire.refusal import problem

POLICY = """policy 1
route needs GET /require/{status:int} public {
    require STATUS_IS_NOT else STATUS "no x"
    respond 200
}
route error GET /error public { respond STATUS error="no x" }
route json GET /json public { respond STATUS json=problem("no x") }
"""


@pytest.mark.parametrize(
    ("status", "called"),
    [
        (404, "Not Found"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (416, "Range Not Satisfiable"),
        (422, "Unprocessable Content"),
        (460, "Client Error"),
        (599, "Server Error"),
        (299, "Successful"),
        (799, "Error"),
    ],
)
def test_a_status_has_its_name_or_that_of_its_class(status: int, called: str) -> None:
    assert title(status) == called
    assert json.loads(problem(status, "Why.", "id")[1])["title"] == called


@pytest.mark.parametrize(
    ("status", "called"), [(413, "Content Too Large"), (460, "Client Error"), (599, "Server Error")]
)
async def test_every_problem_document_of_a_policy_has_its_title(status: int, called: str) -> None:
    policy = POLICY.replace("STATUS_IS_NOT", f"request.params.status != {status}").replace("STATUS", str(status))
    async with open_gate(policy, discover=False) as gate:
        for path in (f"/require/{status}", "/error", "/json"):
            answer = await gate.send("GET", path)
            said = json.loads(answer.body)
            assert (answer.status, said["title"], said["detail"]) == (status, called, "no x")


def test_a_status_line_says_the_same() -> None:
    assert render_head(413, [], Framing.NONE, None, b"").startswith(b"HTTP/1.1 413 Content Too Large\r\n")
