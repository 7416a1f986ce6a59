"""What a chat refers to that its provider holds, where one key of the provider serves several teams."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from tests.plugins.ai.test_ai_forwarding import answers

from headgate.testing import ScriptedUpstream
from headgate.testing.gate import Gate, open_gate
from headgate_ai.references import may_refer, references
from headgate_openai.responses import OpenAiResponsesOut

POLICY = """policy 1
model gpt {{ provider = openai, dialect = "openai-responses", name = "gpt-4.1", keys = [{keys}], url = "{url}" }}
model own {{ provider = vllm, dialect = "openai-responses", name = "own", url = "{url}/other" }}
route r POST /v1/responses {{
    auth.key as key
    read.chat as chat
    if chat.model == "own" {{ ai.chat own }} else {{ ai.chat gpt {options} }}
}}
route f POST /v1/files {{
    auth.key as key
    ai.forward gpt
}}
"""
ONE_KEY = 'secret("TASK_KEY")'
TWO_KEYS = 'secret("TASK_KEY"), secret("OTHER_KEY")'


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_KEY", "sk-the-providers-key")
    monkeypatch.setenv("OTHER_KEY", "sk-another-key-of-it")


def response(ident: str) -> dict[str, Any]:
    text = {"type": "output_text", "text": "Yes.", "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    usage = {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}
    return {
        "id": ident, "object": "response", "status": "completed", "model": "gpt-4.1", "output": [message],
        "usage": usage,
    }  # fmt: skip


def shown(one: Any) -> bytes:
    """The credential that a request came with."""
    return dict(one.headers)[b"authorization"]


class Team:
    """Somebody who asks."""

    def __init__(self, gate: Gate, key: str) -> None:
        self.gate, self.lines = gate, {"authorization": f"Bearer {key}"}

    async def upload(self) -> int:
        return (await self.gate.send("POST", "/v1/files", headers=self.lines, body=b"x")).status

    async def ask(self, **body: Any) -> Any:
        body = {"model": "gpt", "input": "Hi", **body}
        return await self.gate.send("POST", "/v1/responses", headers=self.lines, json_body=body)


@asynccontextmanager
async def teams(
    *said: Any, keys: str = ONE_KEY, options: str = "", policy: str = POLICY
) -> AsyncIterator[tuple[ScriptedUpstream, Team, Team]]:
    async with trio.open_nursery() as nursery:
        sim = await ScriptedUpstream(answers(*said)).start(nursery)
        async with open_gate(policy.format(url=sim.url, keys=keys, options=options)) as gate:
            ours, theirs = [Team(gate, await gate.key(team)) for team in ("ours", "theirs")]
            yield sim, ours, theirs
        nursery.cancel_scope.cancel()


FILE = {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-ours"}]}]}
HELD = {
    "an item": {"input": [{"type": "item_reference", "id": "msg_0"}]},
    "a picture": {"input": [{"type": "image_generation_call", "id": "ig_0"}]},
    "a conversation": {"conversation": "conv_ours"},
    "a conversation's object": {"conversation": {"id": "conv_ours"}},
    "a prompt": {"prompt": {"id": "pmpt_1"}},
    "a store": {"tools": [{"type": "file_search", "vector_store_ids": ["vs_ours"]}]},
    "a container": {"tools": [{"type": "code_interpreter", "container": "cntr_ours"}]},
    "a container's call": {"input": [{"type": "code_interpreter_call", "container_id": "cntr_ours"}]},
}


async def test_a_file_is_there_for_the_team_that_made_it_alone() -> None:
    async with teams({"id": "file-ours", "object": "file"}, response("resp_1")) as (sim, ours, theirs):
        assert await ours.upload() == 200
        refused = await theirs.ask(**FILE)
        assert refused.status == 404
        assert refused.json()["error"]["message"].endswith("There is no file `file-ours` here.")
        assert len(sim.received) == 1, "the provider is not asked"
        assert (await ours.ask(**FILE)).status == 200


@pytest.mark.parametrize("body", HELD.values(), ids=HELD)
async def test_what_nobody_notes_is_refused(body: dict[str, Any]) -> None:
    async with teams() as (sim, ours, _):
        answer = await ours.ask(**body)
        assert (answer.status, sim.received) == (400, [])
        assert "nobody here knows whose it is" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [FILE, *HELD.values()], ids=["a file", *HELD])
async def test_a_policy_lets_all_of_it_pass(body: dict[str, Any]) -> None:
    async with teams(response("resp_1"), options="references=any") as (sim, ours, _):
        assert (await ours.ask(**body)).status == 200
        assert len(sim.received) == 1


async def test_a_file_goes_out_with_the_key_that_it_was_made_with() -> None:
    said = [{"id": "file-ours", "object": "file"}, *(response(f"resp_{at}") for at in range(3))]
    async with teams(*said, keys=TWO_KEYS) as (sim, ours, _):
        await ours.upload()
        for _ in range(3):
            assert (await ours.ask(**FILE)).status == 200
    assert {shown(one) for one in sim.received} == {b"Bearer sk-the-providers-key"}


async def test_a_request_that_is_looked_into_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    plain = OpenAiResponsesOut.write

    def counting(self: OpenAiResponsesOut, chat: Any, to: Any) -> Any:
        written.append(to.model)
        return plain(self, chat, to)

    monkeypatch.setattr(OpenAiResponsesOut, "write", counting)
    async with teams({"id": "file-ours", "object": "file"}, response("resp_1")) as (_, ours, _):
        await ours.upload()
        assert (await ours.ask(**FILE)).status == 200
    assert written == ["gpt-4.1"]


async def test_an_answer_is_gone_on_with_by_the_key_that_gave_it() -> None:
    said = [response(f"resp_{at}") for at in range(6)]
    async with teams(*said, keys=TWO_KEYS) as (sim, ours, _):
        for _ in range(2):
            await ours.ask()
        for ident in ("resp_0", "resp_1", "resp_1", "resp_0"):
            assert (await ours.ask(previous_response_id=ident)).status == 200
    used = [shown(one) for one in sim.received]
    assert used[0] != used[1]
    assert used[2:] == [used[0], used[1], used[1], used[0]]


async def test_an_answer_of_another_provider_with_the_same_id_is_another_answer() -> None:
    async with teams(response("resp_0"), response("resp_0")) as (sim, ours, theirs):
        await ours.ask()
        await theirs.ask(model="own")
        refused = await theirs.ask(previous_response_id="resp_0")
        assert refused.status == 400
        assert refused.json()["error"]["code"] == "previous_response_not_found"
        assert len(sim.received) == 2


async def test_an_answer_that_was_not_to_be_stored_is_nobodys() -> None:
    async with teams(response("resp_0")) as (sim, ours, _):
        await ours.ask(store=False)
        assert (await ours.ask(previous_response_id="resp_0")).status == 400
        assert len(sim.received) == 1


CHATS = """policy 1
model gpt {{ provider = openai, dialect = "openai-responses", name = "gpt-4.1", keys = [{keys}], url = "{url}" }}
route r POST /v1/chat/completions {{
    auth.key as key
    read.chat as chat
    ai.chat gpt {options}
}}
"""


async def test_a_file_that_is_named_in_another_dialect_is_looked_up_too() -> None:
    body = {
        "model": "gpt",
        "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-x"}}]}],
    }
    async with teams(policy=CHATS) as (sim, ours, _):
        answer = await ours.gate.send("POST", "/v1/chat/completions", headers=ours.lines, json_body=body)
        assert (answer.status, sim.received) == (404, [])


def found(body: Any) -> list[tuple[str, str]]:
    refers = [(one.kind, one.ident) for one in references(body)]
    assert not refers or may_refer(json.dumps(body).encode()), "a look at the bytes says so too"
    return refers


@pytest.mark.parametrize(
    ("body", "refers"),
    [
        ({"messages": [{"content": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}]}, [("file", "f")]),
        ({"messages": [{"content": [{"type": "container_upload", "file_id": "f"}]}]}, [("file", "f")]),
        ({"container": "c"}, [("other", "c")]),
        ({"container": {"id": "c", "skills": [{"type": "custom", "skill_id": "s"}]}}, [("other", "c"), ("other", "s")]),
        ({"container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}]}}, []),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "files/f"}}]}]}, [("file", "f")]),
        (
            {"contents": [{"parts": [{"file_data": {"file_uri": "https://generativelanguage.googleapis.com/v1beta/files/f"}}]}]},
            [("file", "f")],
        ),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}}]}]}, []),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "gs://bucket/x"}}]}]}, [("other", "gs://bucket/x")]),
        ({"cachedContent": "cachedContents/c"}, [("other", "cachedContents/c")]),
        ({"tools": [{"fileSearch": {"fileSearchStoreNames": ["s"]}}]}, [("other", "s")]),
        ({"tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["a"]}}]}, [("file", "a")]),
        ({"tools": [{"type": "document_library", "library_ids": ["l"]}]}, [("other", "l")]),
        ({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, [("other", "audio_1")]),
        ({"input": [{"id": "msg_0"}]}, [("other", "msg_0")]),
        ({"audio": {"voice": "alloy", "format": "wav"}}, []),
        ({"prompt": {"id": "p", "variables": {"x": {"type": "input_file", "file_id": "f"}}}}, [("other", "p"), ("file", "f")]),
        # What is the client's own, or was only told.
        ({"messages": [{"content": [{"type": "tool_use", "id": "t", "name": "n", "input": {"file_id": "f"}}]}]}, []),
        ({"tools": [{"type": "function", "parameters": {"default": {"file_id": "f", "container": "c"}}}]}, []),
        ({"contents": [{"parts": [{"functionCall": {"name": "n", "args": {"file_id": "f"}}}]}]}, []),
        ({"contents": [{"parts": [{"functionResponse": {"name": "n", "response": {"file_id": "f"}}}]}]}, []),
        ({"input": [{"role": "assistant", "content": [{"annotations": [{"type": "file_citation", "file_id": "f"}]}]}]}, []),
        ({"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}, []),
        ({"messages": [{"content": [{"type": "bash_code_execution_output", "file_id": "f"}]}]}, []),
    ],
)  # fmt: skip
def test_references_are_found_in_each_dialect(body: Any, refers: Any) -> None:
    assert found(body) == refers


def test_what_is_nested_deeply_is_found() -> None:
    body: Any = {"file_id": "f"}
    for _ in range(5000):
        body = {"x": [body]}
    assert [one.ident for one in references(body)] == ["f"]


def test_a_name_that_is_written_with_escapes_is_found() -> None:
    assert may_refer(b'{"\\u0066ile_\\u0069d": "f"}')
    assert not may_refer(b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}')


@pytest.mark.parametrize("said", [b'{"FILE_ID": 1}', b'{"fileId": 1}', b'{"f\\u0069le_id": 1}', b'{"conversation": 1}'])
def test_however_a_name_is_written_it_is_looked_at(said: bytes) -> None:
    assert may_refer(said)
