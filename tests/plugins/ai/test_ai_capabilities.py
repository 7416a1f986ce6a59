"""A chat is sent only to a model that has what it asks for: else to the next, else the client hears why not."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from tests.plugins.ai.test_ai_wire import answers

from headgate.api import UpstreamFault
from headgate.api.ai import Chat
from headgate_ai import Ai
from headgate_ai.capabilities import judges, lacking
from headgate_ai.catalog import Entry, Facts, find
from headgate_ai.prices import Unknown
from headgate_openai.chat import OpenAiChat
from headgate_routing import Routing

TEXT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


def part(kind: str, **fields: Any) -> dict[str, Any]:
    """A chat whose message has a part of this kind."""
    content = [{"type": "text", "text": "Look."}, {"type": kind, **fields}]
    return {**TEXT, "messages": [*TEXT["messages"], {"role": "user", "content": content}]}


IMAGE = part("image_url", image_url={"url": "https://example.com/a.png"})
AUDIO = part("input_audio", input_audio={"data": "AAAA", "format": "wav"})
FILE = part("file", file={"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"})
ASKED = {
    "text": TEXT,
    "tools": {**TEXT, "tools": [TOOL]},
    "image": IMAGE,
    "audio": AUDIO,
    "file": FILE,
    "schema": {**TEXT, "response_format": SCHEMA},
    "json": {**TEXT, "response_format": {"type": "json_object"}},
    "reasoning": {**TEXT, "reasoning_effort": "high"},
    "no reasoning": {**TEXT, "reasoning_effort": "none"},
    "speech": {**TEXT, "modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}},
}


def chat(body: dict[str, Any]) -> Chat:
    return OpenAiChat().read(json.dumps(body).encode(), "/v1/chat/completions", {})


def model(**known: Any) -> Entry:
    facts = Facts(**known)
    return Entry(
        "p", "m", None, None, facts.inputs, facts.outputs, facts.abilities, facts.kind, Unknown()
    )  # fmt: skip


NOTHING = model(
    inputs=frozenset({"text"}), outputs=frozenset({"text"}),
    abilities={"tools": False, "schema": False, "reasoning": False},
)  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
def test_a_model_of_which_nothing_is_known_may_be_asked_anything(asked: str) -> None:
    assert lacking(chat(ASKED[asked]), model()) is None
    assert not judges(model())


@pytest.mark.parametrize(
    ("asked", "where", "says"),
    [
        ("tools", "tools", "It calls no tools."),
        ("image", "messages[1].content", "It reads no images."),
        ("audio", "messages[1].content", "It hears no audio."),
        ("file", "messages[1].content", "It reads no documents."),
        ("schema", "response_format", "Its answers follow no schema."),
        ("reasoning", "reasoning_effort", "It does not reason."),
        ("speech", "modalities", "It does not speak."),
    ],
)
def test_what_a_model_is_known_not_to_have_is_named(asked: str, where: str, says: str) -> None:
    found = lacking(chat(ASKED[asked]), NOTHING)
    assert found is not None
    assert (found.message, found.where) == (says, where)


@pytest.mark.parametrize("asked", ["text", "json", "no reasoning"])
def test_what_every_model_can_is_never_refused(asked: str) -> None:
    assert lacking(chat(ASKED[asked]), NOTHING) is None


def test_a_picture_that_a_tool_gave_counts() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": [IMAGE["messages"][1]["content"][1]]}
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    asked = {**TEXT, "messages": [*TEXT["messages"], {"role": "assistant", "tool_calls": [call]}, result]}
    found = lacking(chat(asked), NOTHING)
    assert found is not None
    assert found.where == "messages[2].content"


def test_small_talk_is_not_read_for_it() -> None:
    """It passes as the bytes that it came in."""
    asked = chat(TEXT)
    assert lacking(asked, NOTHING) is None
    assert asked._content is None


def test_what_a_line_put_into_a_chat_counts() -> None:
    asked = chat(TEXT)
    asked.content().messages[0].parts += chat(IMAGE).content().messages[1].parts
    assert lacking(asked, NOTHING) is not None


def test_known_models_are_judged_by_what_is_known() -> None:
    for name, asked, fits in [
        ("gpt-4.1", "image", True), ("gpt-4.1", "audio", False), ("gpt-4.1", "reasoning", False),
        ("o3-mini", "image", False), ("claude-sonnet-4-5", "file", True), ("claude-sonnet-4-5", "audio", False),
        ("gemini-2.5-flash", "audio", True), ("llama-3.3-70b-versatile", "image", False),
        ("openrouter/openai/gpt-4.1", "schema", True), ("mistral-large-latest", "file", True),
    ]:  # fmt: skip
        known = find(name)
        assert known is not None, name
        assert (lacking(chat(ASKED[asked]), known) is None) is fits, (name, asked)


# --- over the wire ---------------------------------------------------------------------------------------------------

POLICY = """policy 1
model blind {{ provider = compatible, name = "blind-1", url = "{url}", inputs = ["text"], abilities = [] }}
model seeing {{ provider = compatible, name = "seeing-1", url = "{url}", inputs = ["text", "image"] }}
route chat POST /v1/chat/completions public {{
    read.chat as chat
    {lines}
}}
"""
BOTH = "fallback on=[timeout] { ai.chat blind\n ai.chat seeing }"


async def test_a_picture_goes_to_the_next_model_whatever_the_fallback_lists(gateway) -> None:
    async with gateway(answers(), lines=BOTH, policy=POLICY, plugins=(Ai, Routing)) as g:
        await g.call(messages=IMAGE["messages"])
        over = await g.over()
    assert [json.loads(request.body)["model"] for request in g.provider.received] == ["seeing-1"]
    assert over.served.model == "seeing-1"


async def test_small_talk_goes_to_the_first(gateway) -> None:
    async with gateway(answers(), lines=BOTH, policy=POLICY, plugins=(Ai, Routing)) as g:
        await g.call()
        await g.over()
    assert [json.loads(request.body)["model"] for request in g.provider.received] == ["blind-1"]


async def test_where_none_can_the_client_hears_why_not(gateway) -> None:
    async with gateway(answers(), lines="ai.chat blind", policy=POLICY, plugins=(Ai, Routing)) as g:
        with pytest.raises(openai.BadRequestError) as caught:
            await g.call(messages=IMAGE["messages"])
        over = await g.over()
    assert "blind cannot do this: It reads no images." in str(caught.value)
    assert caught.value.param == "messages[1].content"
    assert g.provider.received == []
    assert over.served.attempts == []


async def test_nothing_tries_the_same_model_again(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(chat: Chat, model: Any) -> Any:
        asked.append(model.name)
        return lacking(chat, model)

    monkeypatch.setattr("headgate_ai.questions.lacking", counted)
    lines = "retry 3 on=[400, 5xx] { ai.chat blind }"
    async with gateway(answers(), lines=lines, policy=POLICY, plugins=(Ai, Routing)) as g:
        with pytest.raises(openai.BadRequestError):
            await g.call(messages=IMAGE["messages"])
    assert asked == ["blind-1"]


async def test_the_last_of_a_list_says_what_is_missing(gateway) -> None:
    async with gateway(answers(), lines=BOTH, policy=POLICY, plugins=(Ai, Routing)) as g:
        with pytest.raises(openai.BadRequestError, match="seeing cannot do this: It hears no audio"):
            await g.call(messages=AUDIO["messages"])
    assert g.provider.received == []


def test_a_failure_that_passes_on_says_so() -> None:
    assert UpstreamFault("ai.unsupported", "No.", passes_on=True).passes_on
    assert not UpstreamFault("upstream.timeout", "Late.").passes_on
