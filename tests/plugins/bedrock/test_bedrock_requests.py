"""Requests for Bedrock, as AWS's own description of the service takes them, and its answers."""

from __future__ import annotations

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.parsers import RestJSONParser
from botocore.validate import ParamValidator

from headgate.api.ai import (
    Answer,
    Audio,
    Chat,
    Choice,
    Citation,
    Content,
    Counted,
    Endpoint,
    File,
    Format,
    Garbled,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Refused,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
)
from headgate_bedrock.dialect import BedrockOut

OUT = BedrockOut()
MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")
CONVERSE = MODEL.operation_model("Converse")
CLAUDE = Endpoint("anthropic.claude-sonnet-4-5-20250929-v1:0")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def made(*messages: Message, stream: bool = False, **fields: Any) -> Chat:
    return Chat.made("m", Content([*messages], **fields), stream=stream)


def user(*parts: Any) -> Message:
    return Message("user", [*parts])


def as_given(value: Any, shape: Shape) -> Any:
    """A body on the wire as somebody gives it to AWS's own client: bytes are base64 on the wire alone."""
    kind = shape.type_name
    if kind == "blob":
        return base64.b64decode(value, validate=True)
    if kind == "list":
        return [as_given(one, shape.member) for one in value]
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        unknown = value.keys() - shape.members.keys()
        assert not unknown, f"{shape.name} has no {unknown}"
        return {name: as_given(one, shape.members[name]) for name, one in value.items()}
    return value


def body_of(chat: Chat, to: Endpoint = CLAUDE) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(OUT.write(chat, to).body)
    shape = CONVERSE.input_shape
    report = ParamValidator().validate(as_given(body, shape) | {"modelId": to.model}, shape)
    assert not report.has_errors(), report.generate_report()
    return body


def test_everything_has_its_place() -> None:
    chat = made(
        Message("system", [Text(text="Be brief."), Opaque(dialect="bedrock", value={"cachePoint": {"type": "default"}})]),
        user(Text(text="Look"), Image(media=Media(mime="image/png", data=PNG)), Image(media=Media(url="s3://abc/a.png")),
             File(media=Media(mime="application/pdf", data="JVBERi0=", name="my_report (1).pdf"), cited=True, context="c"),
             File(media=Media(mime="video/mp4", url="s3://abc/b.mp4")), Audio(media=Media(data="UklG"), format="wav"),
             Opaque(dialect="bedrock", value={"guardContent": {"text": {"text": "x"}}})),
        Message("assistant", [Reasoning(text="Hm", signature="sig"), Reasoning(sealed="c2Vj"), Text(text="Wait."),
                              ToolCall(id="a", name="f", arguments='{"x": 1.0}'), ToolCall(id="b", name="g")]),
        Message("tool", [ToolResult(id="a", parts=[Text(text="20"), Image(media=Media(mime="image/png", data=PNG))])]),
        Message("tool", [ToolResult(id="b", parts=[], failed=True)]),
        Message("developer", [Text(text="Be kind.")]),
        user(Text(text="And now?"), Refused(text="No")),
        tools=[Tool("f", "F.", {"type": "object"}, strict=True), Tool("g", "")],
        tool_choice=ToolChoice("tool", "f"),
        format=Format("schema", "x", {"type": "object"}),
        stop=["END"], top_k=4, thinking=Thinking("high", 2048), metadata={"team": "a"}, service_tier="flex",
    )  # fmt: skip
    chat.max_tokens, chat.temperature, chat.top_p = 5, 0.5, 0.25
    assert body_of(chat) == {
        "system": [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}, {"text": "Be kind."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "Look"},
                    {"image": {"format": "png", "source": {"bytes": PNG}}},
                    {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://abc/a.png"}}}},
                    {
                        "document": {
                            "format": "pdf",
                            "name": "my report (1)",
                            "source": {"bytes": "JVBERi0="},
                            "context": "c",
                            "citations": {"enabled": True},
                        }
                    },
                    {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://abc/b.mp4"}}}},
                    {"audio": {"format": "wav", "source": {"bytes": "UklG"}}},
                    {"guardContent": {"text": {"text": "x"}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "sig"}}},
                    {"reasoningContent": {"redactedContent": "c2Vj"}},
                    {"text": "Wait."},
                    {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1.0}}},
                    {"toolUse": {"toolUseId": "b", "name": "g", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "a",
                            "content": [{"text": "20"}, {"image": {"format": "png", "source": {"bytes": PNG}}}],
                        }
                    },
                    {"toolResult": {"toolUseId": "b", "content": [], "status": "error"}},
                    {"text": "And now?"},
                    {"text": "No"},
                ],
            },
        ],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "F.",
                        "inputSchema": {"json": {"type": "object"}},
                        "strict": True,
                    }
                },
                {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object"}}}},
            ],
            "toolChoice": {"tool": {"name": "f"}},
        },
        "outputConfig": {
            "effort": "high",
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"name": "x", "schema": '{"type":"object"}'}},
            },
        },
        "additionalModelRequestFields": {"top_k": 4, "thinking": {"type": "enabled", "budget_tokens": 2048}},
        "requestMetadata": {"team": "a"},
        "serviceTier": {"type": "flex"},
    }


def test_what_has_no_place_is_named() -> None:
    chat = made(
        Message("user", [Text(text="a", citations=[Citation(url="b")])], name="Ann"),
        Message("assistant", [Reasoning(text="Hm"), Text(text="b")]),
        tools=[Tool("f", extra={"cache_control": {"type": "ephemeral"}})], parallel_tools=False, format=Format("json"), seed=1, n=2, top_k=3,
        presence_penalty=0.1, frequency_penalty=0.2, logprobs=True, top_logprobs=1, user="u", metadata={"a": 1},
        service_tier="auto", store=True, thinking=Thinking(budget_tokens=9), extra={"logit_bias": {"1": 1}},
    )  # fmt: skip
    assert {*OUT.write(chat, Endpoint("meta.llama3-1-70b-instruct-v1:0")).dropped} == {
        "messages[0].name", "messages[0].content[0].citations", "messages[1].content[0].reasoning",
        "tools[0].cache_control", "parallel_tool_calls", "response_format", "seed", "n", "top_k", "presence_penalty",
        "frequency_penalty", "logprobs", "top_logprobs", "user", "metadata", "service_tier", "store",
        "thinking.budget_tokens", "logit_bias",
    }  # fmt: skip


def test_the_row_of_the_provider_adds_its_own() -> None:
    options = {
        "max_output_tokens": 7,
        "additional_model_request_fields": {"thinking": {"type": "adaptive"}},
        "additional_model_response_field_paths": ["/stop_sequence"],
        "guardrail_config": {"guardrailIdentifier": "abc", "guardrailVersion": "1"},
        "performance_config": {"latency": "optimized"},
    }
    body = body_of(made(user(Text(text="a"))), Endpoint("m", options))
    assert body["inferenceConfig"] == {"maxTokens": 7}
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert body["guardrailConfig"] == {"guardrailIdentifier": "abc", "guardrailVersion": "1"}
    assert body["performanceConfig"] == {"latency": "optimized"}


@pytest.mark.parametrize("ident", ["call " + "x" * 3, "y" * 65, "gemini_" + "z" * 300, "ä"])
def test_an_id_that_bedrock_refuses_is_replaced_with_its_result_s(ident: str) -> None:
    chat = made(
        Message("assistant", [ToolCall(id=ident, name="f", arguments="{}"), ToolCall(id="other", name="f")]),
        Message("tool", [ToolResult(id=ident, parts=[Text(text="a")])]),
    )
    call, result = body_of(chat)["messages"]
    assert call["content"][0]["toolUse"]["toolUseId"] == result["content"][0]["toolResult"]["toolUseId"]
    assert call["content"][1]["toolUse"]["toolUseId"] == "other"


@pytest.mark.parametrize(
    ("choice", "written"),
    [(ToolChoice("auto"), {"auto": {}}), (ToolChoice("required"), {"any": {}}), (None, None)],
)
def test_whether_tools_are_called_is_said(choice: ToolChoice | None, written: Any) -> None:
    body = body_of(made(user(Text(text="a")), tools=[Tool("f")], tool_choice=choice))
    assert body["toolConfig"].get("toolChoice") == written


def test_tools_that_must_not_be_called_are_left_out() -> None:
    none = ToolChoice("none")
    chat = made(user(Text(text="a")), tools=[Tool("f")], tool_choice=none)
    assert "toolConfig" not in body_of(chat)
    assert OUT.write(chat, CLAUDE).dropped == ()
    called = Message("assistant", [ToolCall(id="a", name="f")])
    chat = made(called, Message("tool", [ToolResult(id="a")]), tools=[Tool("f")], tool_choice=none)
    assert "toolChoice" not in body_of(chat)["toolConfig"]
    assert OUT.write(chat, CLAUDE).dropped == ("tool_choice",)


def test_blocks_without_text_are_left_out() -> None:
    chat = made(user(Text(text="a")), Message("assistant", [Text(text=" ")]), user(Text(text="b"), Text(text="")))
    assert body_of(chat)["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]


@pytest.mark.parametrize(
    "part",
    [
        Opaque(dialect="openai", value={}),
        Image(media=Media(url="https://a/b.png")),
        Image(media=Media(mime="image/bmp", data="Qk0=")),
        File(media=Media(file="file-1")),
        ToolCall(id="a", name="f", arguments="[]"),
        ToolResult(id="a", parts=[Audio(media=Media(data="UklG"), format="wav")]),
    ],
)
def test_what_bedrock_cannot_be_told_is_said_with_its_place(part: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        OUT.write(made(user(part)), CLAUDE)
    assert caught.value.where == "messages[0].content[0]"


def test_tools_and_names_of_others_are_unsupported() -> None:
    with pytest.raises(Unsupported):
        OUT.write(made(user(Text(text="a")), tools=[ServerTool("openai", {})]), CLAUDE)
    with pytest.raises(Unsupported):
        OUT.write(made(user(Text(text="a"))), Endpoint(".."))


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (CLAUDE.model, b"/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.a",
            b"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.a/converse",
        ),
    ],
)
def test_the_path_is_that_of_the_model(model: str, path: bytes) -> None:
    assert OUT.write(made(user(Text(text="a"))), Endpoint(model)).path == path
    assert OUT.write(made(user(Text(text="a")), stream=True), Endpoint(model)).path == path + b"-stream"


# --- answers ---------------------------------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "c2Vj"}},
                {"text": "Hi"},
                {
                    "citationsContent": {
                        "content": [{"text": "So "}, {"text": "it is."}],
                        "citations": [
                            {
                                "title": "T",
                                "sourceContent": [{"text": "it is"}],
                                "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}},
                            }
                        ],
                    }
                },
                {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1}}},
                {"image": {"format": "png", "source": {"bytes": PNG}}},
                {"guardContent": {"text": {"text": "x"}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {
        "inputTokens": 10, "outputTokens": 5, "totalTokens": 45, "cacheReadInputTokens": 20, "cacheWriteInputTokens": 10,
    },
    "metrics": {"latencyMs": 9},
}  # fmt: skip


def test_a_whole_answer_is_read() -> None:
    data = json.dumps(WHOLE).encode()
    parsed = RestJSONParser().parse({"status_code": 200, "headers": {}, "body": data}, CONVERSE.output_shape)
    assert parsed["stopReason"] == "tool_use"
    location = {"location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}}}
    counted = Counted(input_tokens=40, output_tokens=5, cached_tokens=20, cache_write_tokens=10)
    assert OUT.count(data) == counted
    assert OUT.answer(data) == Answer(
        [
            Choice(
                [
                    Reasoning(text="Hm", signature="sig", maker="bedrock"),
                    Reasoning(sealed="c2Vj", maker="bedrock"),
                    Text(text="Hi"),
                    Text(text="So it is.", citations=[Citation(text="it is", title="T", extra=location)]),
                    ToolCall(id="a", name="f", arguments='{"x":1}'),
                    Image(media=Media(mime="image/png", data=PNG)),
                    Opaque(dialect="bedrock", value={"guardContent": {"text": {"text": "x"}}}),
                ],
                "tools",
            )
        ],
        counted=counted,
        extra={"metrics": {"latencyMs": 9}},
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("stop_sequence", "sequence"), ("guardrail_intervened", "filter"),
     ("content_filtered", "filter"), ("model_context_window_exceeded", "length"), ("malformed_tool_use", "other")],
)  # fmt: skip
def test_why_it_ended_is_told(reason: str, stop: str) -> None:
    fields = {"additionalModelResponseFields": {"stop_sequence": "END"}} if reason == "stop_sequence" else {}
    choice = OUT.answer(json.dumps(WHOLE | {"stopReason": reason} | fields).encode()).choices[0]
    assert choice.stop == stop
    assert choice.sequence == ("END" if fields else None)


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", b"{}", b"[]", b'{"output": 1}', b'{"output": {"message": {"content": [1]}}, "stopReason": "x"}'],
)
def test_what_is_no_answer_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        OUT.answer(data)


@pytest.mark.parametrize(
    ("data", "headers", "refusal"),
    [
        (b'{"message": "No."}', [], Refusal("No.", {})),
        (b'{"Message": "No."}', [], Refusal("No.", {})),
        (
            b'{"message": "No."}',
            [(b"x-amzn-errortype", b"ValidationException:http://internal.amazon.com/")],
            Refusal("No.", {"code": "ValidationException"}),
        ),
        (
            b'{"__type": "com.amazon.coral#ThrottlingException", "message": "Slow."}',
            [],
            Refusal("Slow.", {"code": "ThrottlingException"}, "limited"),
        ),
        (b"<html>", [], None),
        (b"{}", [], None),
        (b"", [], None),
    ],
)
def test_what_an_error_says_is_kept(data: bytes, headers: Any, refusal: Refusal | None) -> None:
    assert OUT.refusal(data, headers) == refusal
