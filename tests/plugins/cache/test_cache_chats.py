"""A chat belongs to the key of what is kept: a client that wants a stream never gets a whole answer, nor the other way."""

from __future__ import annotations

from typing import Any

from headgate.testing import open_gate

POLICY = """policy 1
model echo { provider = echo, name = "echo-1" }
route chat POST /v1/chat/completions public { read.chat as chat
 cache.exact ttl=1m by=[chat.text] { ai.chat echo }
}
"""


async def test_what_a_client_wants_of_its_answer_is_part_of_the_key() -> None:
    async with open_gate(POLICY) as gate:

        async def ask(**more: Any) -> str:
            body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **more}
            answer = await gate.send("POST", "/v1/chat/completions", json_body=body)
            return (answer.headers.get(b"content-type") or b"").decode().partition(";")[0]

        assert [await ask(stream=True), await ask(), await ask(max_tokens=5), await ask(), await ask(stream=True)] == [
            "text/event-stream", "application/json", "application/json", "application/json", "text/event-stream",
        ]  # fmt: skip
        assert [row["cache"] for row in gate.rows] == ["miss", "miss", "miss", "hit", "hit"]
