"""Requests of the Responses: what is refused, what passes, what changes, and what other dialects make of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import ResponseCreateParams
from pydantic import TypeAdapter

from headgate.api import ClientFault, NotStrict
from headgate.api.ai import (
    Audio,
    Chat,
    Content,
    Endpoint,
    File,
    Format,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
    carry,
)
from headgate_openai.chat import OpenAiChat
from headgate_openai.chat.requests import write as write_chat
from headgate_openai.responses.requests import read, write

PARAMS: TypeAdapter[Any] = TypeAdapter(ResponseCreateParams)
URL = "data:image/png;base64,iVBORw0KGgo="

ITEMS: list[dict[str, Any]] = [
    {"role": "user", "content": "Hi"},
    {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
    {"role": "system", "content": "Be kind.", "type": "message"},
    {"role": "user", "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": URL, "detail": "low"}]},
    {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/a.png"}]},
    {"role": "user", "content": [{"type": "input_image", "file_id": "file-1", "detail": "auto"}]},
    {"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}]},
    {"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "AAAA"}]},
    {"role": "user", "content": [{"type": "input_file", "file_url": "https://x.test/a.pdf"}]},
    {"role": "user", "content": [{"type": "input_file", "file_id": "file-2"}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
    {"role": "user", "content": [{"type": "input_video", "video": 1}]},
    {"role": "user", "content": [{"type": "input_text", "text": "Look", "cache": 1}]},
    {"role": "assistant", "content": "Hello"},
    {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [
        {"type": "output_text", "text": "Hello", "annotations": [
            {"type": "url_citation", "start_index": 0, "end_index": 5, "url": "https://x.test", "title": "X"},
            {"type": "file_citation", "file_id": "f", "filename": "n", "index": 3}]},
        {"type": "output_text", "text": "!", "annotations": [], "logprobs": [{"token": "!", "logprob": -0.5, "bytes": [33], "top_logprobs": []}]}]},
    {"id": "msg_2", "type": "message", "role": "assistant", "status": "completed", "phase": "final_answer", "content": [{"type": "refusal", "refusal": "No."}]},
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}], "encrypted_content": "xyz"},
    {"id": "rs_2", "type": "reasoning", "summary": []},
    {"id": "rs_3", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "thought"}], "status": "completed"},
    {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}', "status": "completed"},
    {"type": "function_call_output", "call_id": "call_1", "output": "42"},
    {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "42"}, {"type": "input_image", "image_url": URL}], "id": "fco_1"},
    {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"id": "ct_1", "type": "custom_tool_call", "call_id": "call_2", "name": "c", "input": "x"},
    {"type": "custom_tool_call_output", "call_id": "call_2", "output": "y"},
    {"type": "item_reference", "id": "msg_9"},
    {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo="},
    {"type": "mcp_approval_response", "approval_request_id": "m", "approve": True},
    {"type": "shell_call_output", "call_id": "s", "output": []},
]  # fmt: skip


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "input": "Hi", **fields}).encode()


def sent(chat: Chat, model: str = "m", **options: Any) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(write(chat, Endpoint(model, options)).body)
    return written


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (b"[]", "", "has to be a JSON object"),
        (b'{"model":"","input":"a"}', "model", "name of a model"),
        (b'{"model":"m"}', "input", "a text, or a list"),
        (b'{"model":"m","Input":"a"}', "Input", "case-sensitive"),
        (b'{"model":"m","input":[{"Type":"message"}]}', "input[0]", "a `type`"),
        (b'{"model":"m","input":[{"role":"user","Content":"a"}]}', "input[0].Content", "case-sensitive"),
        (b'{"model":"m","input":["a"]}', "input[0]", "an object"),
        (body(background=True), "background", "not offered"),
        (body(stream=1), "stream", "true or false"),
        (body(max_output_tokens=0), "max_output_tokens", "above 0"),
        (body(tools={}), "tools", "a list"),
    ],
)
def test_what_is_no_request_for_a_response_is_refused(data: bytes, where: str, says: str) -> None:
    with pytest.raises(NotStrict, match=says) as caught:
        read(data)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"input": [{"role": "robot", "content": "a"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"text": "a"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": 1}]}]}, "input[0].content[0].image_url"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0].name"),
        ({"input": [{"type": "function_call_output", "output": "c"}]}, "input[0].call_id"),
        ({"text": {"format": {"type": "xml"}}}, "text.format"),
        ({"reasoning": "high"}, "reasoning"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"include": "all"}, "include"),
    ],
)  # fmt: skip
def test_content_that_is_none_is_refused_in_the_clients_own_words(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(ClientFault) as caught:
        read(body(**fields)).content()
    assert caught.value.record["where"] == where


def test_nothing_is_written_anew_where_nothing_differs() -> None:
    data = b'{ "model":"m",  "input":[{"role":"user","content":"\\u0041"}],"x":1.50 }'
    chat = read(data)
    assert write(chat, Endpoint("m")).body == data
    chat.content()
    assert write(chat, Endpoint("m")).body == data
    assert b'"x":1.50' in write(chat, Endpoint("other")).body


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item.get("type", item.get("role"))))
def test_an_item_that_is_rendered_again_is_the_same(item: dict[str, Any]) -> None:
    from headgate.api.ai import Dropped
    from headgate_openai.responses.items import turns
    from headgate_openai.responses.rendering import render_items

    [(turn, came)] = turns([item])
    assert came == [item]
    assert render_items(turn, "openai-responses", Dropped()) == [item]


def test_all_items_together_are_rendered_again_as_they_came() -> None:
    from headgate.api.ai import Dropped
    from headgate_openai.responses.items import turns
    from headgate_openai.responses.rendering import render_items

    made = [one for turn, _ in turns(ITEMS) for one in render_items(turn, "openai-responses", Dropped())]
    assert made == ITEMS


def test_a_changed_text_changes_nothing_else() -> None:
    chat = read(body(input=ITEMS, instructions="Be good", tools=[{"type": "web_search"}], text={"verbosity": "low"}))
    part = chat.messages[1].parts[0]
    assert isinstance(part, Text)
    part.text = "Hello there"
    expected = json.loads(chat.original())
    expected["input"][0]["content"] = "Hello there"
    assert sent(chat) == expected


def test_a_changed_instruction_goes_back_into_its_field() -> None:
    chat = read(body(instructions="Call 123"))
    assert (chat.messages[0].role, chat.messages[0].text) == ("system", "Call 123")
    part = chat.messages[0].parts[0]
    assert isinstance(part, Text)
    part.text = "Call …"
    assert sent(chat) == {"model": "m", "input": "Hi", "instructions": "Call …"}


def test_changed_fields_keep_what_stands_beside_them() -> None:
    chat = read(
        body(reasoning={"effort": "low", "summary": "detailed"}, text={"verbosity": "low"}, max_output_tokens=5)
    )
    assert chat.max_tokens == 5
    thinking = chat.content().thinking
    assert thinking is not None
    assert (thinking.effort, thinking.shown) == ("low", True)
    thinking.effort = "high"
    chat.max_tokens = 7
    chat.content().format = Format("json")
    written = sent(chat)
    assert written["reasoning"]["effort"] == "high"
    assert written["text"] == {"format": {"type": "json_object"}, "verbosity": "low"}
    assert written["max_output_tokens"] == 7


def test_a_text_that_is_the_input_stays_a_text() -> None:
    chat = read(body())
    part = chat.messages[0].parts[0]
    assert isinstance(part, Text)
    part.text = "Ho"
    assert sent(chat)["input"] == "Ho"


def test_what_a_request_says_in_the_shared_form() -> None:
    tools = [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, "description": "d"},
        {"type": "web_search"},
    ]
    chat = read(
        body(
            tools=tools, tool_choice={"type": "function", "name": "f"}, parallel_tool_calls=False, user="u", store=False,
            text={"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}}, top_logprobs=2,
            include=["reasoning.encrypted_content", "file_search_call.results"], background=False, truncation="disabled",
            metadata={"a": "b"}, service_tier="flex", previous_response_id="resp_1", safety_identifier="s",
        )
    )  # fmt: skip
    content = chat.content()
    assert content.tools == [
        Tool("f", "d", {"type": "object"}, True), ServerTool("openai-responses", {"type": "web_search"}),
    ]  # fmt: skip
    assert content.tool_choice == ToolChoice("tool", "f")
    assert content.format == Format("schema", "n", {}, True)
    assert (content.parallel_tools, content.user, content.store, content.top_logprobs) == (False, "u", False, 2)
    assert content.extra == {
        "include": ["file_search_call.results"], "previous_response_id": "resp_1", "safety_identifier": "s",
    }  # fmt: skip


def test_calls_that_follow_one_another_are_one_turn() -> None:
    items = [
        ITEMS[0],
        ITEMS[16],
        ITEMS[19],
        {**ITEMS[19], "call_id": "call_2"},
        ITEMS[20],
        {**ITEMS[20], "call_id": "call_2"},
    ]
    chat = read(body(input=items))
    assert [message.role for message in chat.messages] == ["user", "assistant", "tool", "tool"]
    summary, sealed, *calls = chat.messages[1].parts
    assert isinstance(summary, Reasoning)
    assert isinstance(sealed, Reasoning)
    assert (summary.text, summary.summary, sealed.sealed, sealed.id) == ("A\n\nB", True, "xyz", "rs_1")
    assert [call.id for call in calls if isinstance(call, ToolCall)] == ["call_1", "call_2"]
    written = json.loads(write_chat(chat, Endpoint("m")).body)
    assert [message["role"] for message in written["messages"]] == ["user", "assistant", "tool", "tool"]
    assert len(written["messages"][1]["tool_calls"]) == 2


RICH = Content(
    [
        Message("system", [Text(text="Be good")]),
        Message("user", [
            Text(text="Look"), Image(media=Media(mime="image/png", data="iVBORw0KGgo=")), Image(media=Media(url="https://x.test/a")),
            File(media=Media(mime="application/pdf", data="AAAA")),
            File(media=Media(url="https://x.test/a.pdf")), File(media=Media(mime="text/plain", data="aGk=")),
        ]),
        Message("assistant", [
            Reasoning(text="hm", signature="sig"), Text(text="I call"), ToolCall(id="c1", name="f", arguments="{}"),
            ToolCall(id="c2", name="f", arguments="{}"),
        ]),
        Message("tool", [ToolResult(id="c1", parts=[Text(text="1")]), ToolResult(id="c2", parts=[Image(media=Media(url="https://x.test/a"))])]),
        Message("assistant", [Refused(text="No.")]),
    ],
    tools=[Tool("f", "d", {"type": "object"})], tool_choice=ToolChoice("required"), parallel_tools=True,
    format=Format("schema", "n", {"type": "object"}, True), thinking=Thinking(effort="low", shown=True), stop=["x"], seed=1, n=1,
    user="u", metadata={"a": "b"}, top_logprobs=3, logprobs=True, extra={"odd": 1},
)  # fmt: skip


def test_a_chat_of_another_dialect_is_written_as_openais_client_would() -> None:
    chat = Chat.made("m", RICH, stream=True, max_tokens=9, temperature=0.5, top_p=0.5)
    written = write(chat, Endpoint("m"))
    made = json.loads(written.body)
    PARAMS.validate_python(made)
    assert written.path == b"/responses"
    assert list(written.dropped) == ["reasoning", "stop", "seed", "odd"]
    assert (made["store"], made["max_output_tokens"], made["stream"]) == (False, 9, True)
    assert made["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert made["reasoning"] == {"effort": "low", "summary": "auto"}
    assert made["text"] == {
        "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    }
    assert made["tools"][0]["strict"] is False
    kinds = [item["type"] for item in made["input"]]
    assert kinds == ["message", "message", "message", "function_call", "function_call", "function_call_output",
                     "function_call_output", "message"]  # fmt: skip
    assert [made["input"][place]["content"] for place in (2, 7)] == ["I call", "No."]
    assert made["input"][6]["output"] == [{"type": "input_image", "image_url": "https://x.test/a", "detail": "auto"}]


@pytest.mark.parametrize(
    "content",
    [
        Content([Message("user", [Opaque(dialect="other", value={"type": "odd"})])]),
        Content([Message("user", [Text(text="a")])], tools=[ServerTool("other", {"type": "odd"})]),
        Content([Message("user", [Image(media=Media(file="file-1"))])]),
        Content([Message("user", [Audio(media=Media(data="AAAA"), format="wav")])]),
    ],
)
def test_what_has_no_place_is_unsupported(content: Content) -> None:
    with pytest.raises(Unsupported):
        write(Chat.made("m", content), Endpoint("m"))


def test_openais_own_reasoning_goes_back_to_it_from_a_chat() -> None:
    parts = [Reasoning(text="A", summary=True, id="rs_1"), Reasoning(sealed="xyz", id="rs_1"), Text(text="ok")]
    made = sent(Chat.made("m", Content([Message("assistant", parts)])))
    assert made["input"][0] == {
        "type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A"}], "encrypted_content": "xyz",
    }  # fmt: skip
    assert made["include"] == ["reasoning.encrypted_content"]


def test_what_another_provider_thought_never_reaches_openai() -> None:
    foreign = {"type": "reasoning", "id": "th_1", "summary": [], "encrypted_content": carry(Reasoning(), "abc"),
               "content": [{"type": "reasoning_text", "text": "hm"}]}  # fmt: skip
    chat = read(body(input=[ITEMS[0], foreign, ITEMS[13]]))
    written = write(chat, Endpoint("m"))
    assert json.loads(written.body)["input"] == [ITEMS[0], ITEMS[13]]
    assert list(written.dropped) == ["reasoning"]
    thought = chat.messages[1].parts[0]
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.signature, thought.sealed) == ("hm", "abc", None)


def test_openais_two_dialects_share_what_no_other_has() -> None:
    fields = {"safety_identifier": "s", "prompt_cache_key": "k"}
    came = read(body(**fields, text={"verbosity": "low"}, max_tool_calls=3))
    written = write_chat(came, Endpoint("m"))
    made = json.loads(written.body)
    assert {name: made[name] for name in (*fields, "verbosity")} == {**fields, "verbosity": "low"}
    assert list(written.dropped) == ["max_tool_calls"]
    chat = OpenAiChat().read(json.dumps({**made, "logit_bias": {"1": 2}}).encode(), "", {})
    again = write(chat, Endpoint("m"))
    assert list(again.dropped) == ["logit_bias"]
    assert json.loads(again.body)["text"] == {"verbosity": "low"}
    assert json.loads(again.body)["prompt_cache_key"] == "k"
