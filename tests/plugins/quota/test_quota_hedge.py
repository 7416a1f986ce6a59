"""Arms of a hedge pay from the budget around them, each for itself."""

from __future__ import annotations

from headgate.testing import open_gate

POLICY = """policy 1
model one { provider = echo, name = "echo-1", price = {input: $1, output: $1} }
model two { provider = echo, name = "echo-1", price = {input: $1, output: $1} }
route r POST /v1/chat/completions public {
    read.chat as chat
    budget $0.000001 per=total name="tiny" {
        hedge after=1ms { ai.chat one
            ai.chat two
        }
    }
}
"""


async def test_a_hedge_in_a_budget_that_is_spent_asks_nobody() -> None:
    body = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
    async with open_gate(POLICY) as gate:
        assert (await gate.send("POST", "/v1/chat/completions", json_body=body)).status == 402
