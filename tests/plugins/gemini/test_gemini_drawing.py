"""Pictures of Gemini's for a client of OpenAI's."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
import trio

from headgate.api import Money
from headgate.testing.gate import open_gate
from headgate.testing.providers import Gemini, Raw

ANSWER = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
            "finishReason": "STOP",
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 10,
        "candidatesTokenCount": 1290,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
    },
}
POLICY = """policy 1
model draws {{ provider = gemini, name = "gemini-2.5-flash-image", key = secret("TASK_KEY"), url = "{url}/v1beta" }}
route draw POST /v1/images/generations public {{
    read.task as job
    ai.task draws
}}
"""


async def drawn(monkeypatch: pytest.MonkeyPatch, answer: Any, **named: Any) -> tuple[Any, Any, Any]:
    monkeypatch.setenv("TASK_KEY", "the-providers-key")
    async with trio.open_nursery() as nursery:
        sim = await Gemini().start(nursery)
        sim.says(Raw(200, json.dumps(answer).encode()))
        async with open_gate(POLICY.format(url=sim.url)) as gate:

            def call() -> Any:
                with openai.OpenAI(base_url=gate.url + "/v1", api_key="mine", max_retries=0, timeout=5) as client:
                    try:
                        return client.images.generate(model="any", prompt="a dot", **named)
                    except openai.APIStatusError as error:
                        return error

            made = await trio.to_thread.run_sync(call)
            row = await gate.row(0)
        nursery.cancel_scope.cancel()
    return made, row, sim.received


async def test_a_picture_comes_in_openais_shape_and_is_paid_by_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    made, row, received = await drawn(monkeypatch, ANSWER, size="1536x1024", quality="high")
    assert not isinstance(made, Exception), made
    assert made.data[0].b64_json == "aGk="
    assert made.usage.output_tokens == 1290
    assert received[0].body["generationConfig"]["imageConfig"] == {"aspectRatio": "3:2"}
    assert row["dropped"] == ["quality"]
    assert row["cost"] == Money(10 * 300 + 1290 * 30_000)


async def test_several_at_once_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, received = await drawn(monkeypatch, ANSWER, n=2)
    assert isinstance(made, openai.BadRequestError)
    assert not received


async def test_an_answer_without_a_picture_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"candidates": [{"content": {"parts": [{"text": "No."}]}, "finishReason": "STOP"}]}
    made, _, _ = await drawn(monkeypatch, words)
    assert isinstance(made, openai.InternalServerError)
