"""Requests of Gemini's clients, read, and requests for Google, written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from google.genai import types

from headgate.api import NotStrict
from headgate.api.ai import (
    Audio,
    Chat,
    Content,
    Dropped,
    Endpoint,
    File,
    Format,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Unsupported,
)
from headgate_gemini import ids
from headgate_gemini.dialect import GeminiIn, GeminiOut
from headgate_gemini.writing import render

IN, OUT = GeminiIn(), GeminiOut()
PATH = "/v1beta/models/gemini-2.5-flash:generateContent"
HERE = Endpoint("gemini-2.5-flash")
PNG = "iVBORw0KGgo="


def read(body: dict[str, Any], path: str = PATH, **query: str) -> Chat:
    return IN.read(json.dumps(body).encode(), path, query)


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": [*parts]}


WEATHER = {"name": "weather", "description": "The weather.", "parametersJsonSchema": {"type": "object"}}
OLD = {"type": "OBJECT", "properties": {"at": {"type": "STRING", "nullable": True}}, "required": ["at"]}

# Every feature of https://ai.google.dev/api/generate-content.
BODIES: dict[str, dict[str, Any]] = {
    "text": {"contents": [user({"text": "Hi"})]},
    "no role": {"contents": [{"parts": [{"text": "Hi"}]}]},
    "system": {"systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}, "contents": [user()]},
    "system with a role": {
        "systemInstruction": {"role": "system", "parts": [{"text": "a"}]},
        "contents": [user({"text": "b"})],
    },
    "system as text": {"systemInstruction": "Be brief.", "contents": [user({"text": "Hi"})]},
    "image": {"contents": [user({"inlineData": {"mimeType": "image/png", "data": PNG}})]},
    "image with a place": {"contents": [user({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b.png"}})]},
    "named": {
        "contents": [user({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0=", "displayName": "a.pdf"}})]
    },
    "audio": {"contents": [user({"inlineData": {"mimeType": "audio/wav", "data": "UklG"}})]},
    "video": {
        "contents": [
            user({
                "fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"},
                "videoMetadata": {"startOffset": "2s"},
            })
        ]
    },
    "resolution": {
        "contents": [
            user({
                "inlineData": {"mimeType": "image/png", "data": PNG},
                "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
            })
        ]
    },
    "tools": {
        "contents": [user({"text": "Hi"})],
        "tools": [{"functionDeclarations": [WEATHER, {"name": "old", "parameters": OLD, "behavior": "BLOCKING"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["old", "weather"]}},
    },
    "google's tools": {
        "contents": [user({"text": "Hi"})],
        "tools": [{"functionDeclarations": [WEATHER]}, {"googleSearch": {}}, {"codeExecution": {}}],
        "toolConfig": {"retrievalConfig": {"latLng": {"latitude": 1.5, "longitude": 2}}},
    },
    "calls with ids": {
        "contents": [
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"id": "a", "name": "weather", "args": {"at": "Rome"}}, "thoughtSignature": "QUI="},
                    {"functionCall": {"id": "b", "name": "weather", "args": {}}},
                ],
            },
            user(
                {"functionResponse": {"id": "b", "name": "weather", "response": {"output": "wet"}}},
                {"functionResponse": {"id": "a", "name": "weather", "response": {"t": 20}}},
            ),
        ]
    },
    "calls without ids": {
        "contents": [
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "weather", "args": {"at": "Rome"}}, "thoughtSignature": "QUI="},
                    {"functionCall": {"name": "weather", "args": {"at": "Oslo"}}},
                ],
            },
            {
                "role": "function",
                "parts": [
                    {"functionResponse": {"name": "weather", "response": {"error": "no"}}},
                    {
                        "functionResponse": {
                            "name": "weather",
                            "response": {"output": ""},
                            "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
                            "scheduling": "SILENT",
                        }
                    },
                ],
            },
        ]
    },
    "thoughts": {
        "contents": [
            {"role": "model", "parts": [{"text": "Hm.", "thought": True}, {"text": "Yes", "thoughtSignature": "QUI="}]},
            user({"text": "Why?"}),
        ]
    },
    "code": {
        "contents": [
            {
                "role": "model",
                "parts": [
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                ],
            }
        ]
    },
    "settings": {
        "contents": [user({"text": "Hi"})],
        "generationConfig": {
            "maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 5, "candidateCount": 2, "seed": 7,
            "stopSequences": ["END"], "presencePenalty": 0.1, "frequencyPenalty": 0.2, "responseLogprobs": True,
            "logprobs": 3, "responseModalities": ["TEXT", "IMAGE"], "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"},
            "imageConfig": {"aspectRatio": "1:1"},
        },
    },
    "a budget": {"contents": [user({"text": "Hi"})], "generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}},
    "a json schema": {
        "contents": [user({"text": "Hi"})],
        "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
    },
    "a schema": {
        "contents": [user({"text": "Hi"})],
        "generationConfig": {"responseMimeType": "application/json", "responseSchema": OLD},
    },
    "an enum": {
        "contents": [user({"text": "Hi"})],
        "generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}},
    },
    "the rest": {
        "contents": [user({"text": "Hi"})],
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "cachedContent": "cachedContents/x",
        "labels": {"team": "a"},
        "serviceTier": "flex",
        "store": False,
        "someNewField": {"a": [1]},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_what_nobody_touched_passes_byte_by_byte(name: str) -> None:
    body = BODIES[name]
    chat = read(body)
    assert OUT.write(chat, HERE).body == json.dumps(body).encode()
    chat.content()
    assert OUT.write(chat, HERE).body == json.dumps(body).encode()


@pytest.mark.parametrize("name", BODIES)
def test_what_is_read_and_written_is_the_same(name: str) -> None:
    chat, body = read(BODIES[name]), BODIES[name]
    assert json.loads(msgspec.json.encode(render(chat, chat.content(), HERE, Dropped()))) == body


@pytest.mark.parametrize("name", [name for name in BODIES if name not in ("system", "code")])
def test_a_text_that_is_touched_is_all_that_differs(name: str) -> None:
    body = BODIES[name]
    chat = read(body)
    chat.messages.append(Message("user", [Text(text="more")]))
    written = json.loads(OUT.write(chat, HERE).body)
    assert written == {**body, "contents": [*body["contents"], user({"text": "more"})]}


def test_only_the_content_that_was_touched_is_encoded_anew() -> None:
    body = b'{"contents":[{"parts": [{"text": "a"}]}, {"parts":[{"text":"b"}],  "role":"user"}], "labels": {"x":"y"}}'
    chat = IN.read(body, PATH, {})
    chat.messages[0].parts = [Text(text="c")]
    assert OUT.write(chat, HERE).body == (
        b'{"contents":[{"parts":[{"text":"c"}]},{"parts":[{"text":"b"}],  "role":"user"}],"labels":{"x":"y"}}'
    )


def test_a_field_that_a_line_set_is_all_that_differs() -> None:
    chat = read(BODIES["settings"])
    chat.max_tokens = 5
    written = json.loads(OUT.write(chat, HERE).body)
    assert written["generationConfig"] == BODIES["settings"]["generationConfig"] | {"maxOutputTokens": 5}


def test_names_with_underscores_are_read_alike() -> None:
    chat = read(
        {
            "system_instruction": {"parts": {}} | {"parts": [{"text": "a"}]},
            "contents": [user({"inline_data": {"mime_type": "image/png", "data": PNG}})],
            "generation_config": {"max_output_tokens": 3, "stop_sequences": ["x"]},
        }
    )
    assert chat.max_tokens == 3
    assert chat.content().stop == ["x"]
    assert chat.messages == [
        Message("system", [Text(text="a")]),
        Message("user", [Image(media=Media(mime="image/png", data=PNG))]),
    ]
    chat.max_tokens = 4
    assert json.loads(OUT.write(chat, HERE).body)["generation_config"] == {
        "maxOutputTokens": 4, "stopSequences": ["x"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": ["a"]}, "contents[0]"),
        ({"contents": [{"role": "assistant", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": {}}]}, "contents[0].parts"),
        ({"Contents": []}, "Contents"),
        ({"contents": [user()], "generationconfig": {}}, "generationconfig"),
        ({"contents": [user()], "generationConfig": {}, "generation_config": {}}, "generation_config"),
        ({"contents": [user()], "generationConfig": {"topP": "1"}}, "generationConfig.topP"),
        ({"contents": [user()], "generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens"),
        ({"contents": [user()], "model": "models/gemini-ultra"}, "model"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_refused_with_its_place(body: dict[str, Any], where: str) -> None:
    with pytest.raises(NotStrict) as caught:
        read(body)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro", False),
        ("/v1/models/gemini-2.5-pro:streamGenerateContent", "gemini-2.5-pro", True),
        ("/v1beta1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent", "g", True),
        ("/x/models/a%40b%3AgenerateContent", "a@b", False),
        ("/v1beta/tunedModels/mine:generateContent", "tunedModels/mine", False),
    ],
)
def test_the_path_says_the_model_and_whether_it_streams(path: str, model: str, stream: bool) -> None:
    assert IN.answers(path)
    chat = read({"contents": [user({"text": "Hi"})]}, path, alt="sse")
    assert (chat.model, chat.stream) == (model, stream)


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1beta/models/x:embedContent", "/v1beta/models", "/v1/models/x"]
)
def test_other_paths_are_no_chats(path: str) -> None:
    assert not IN.answers(path)


def test_results_without_ids_find_their_calls_by_name_and_order() -> None:
    chat = read(BODIES["calls without ids"])
    calls = [part for part in chat.messages[0].parts if isinstance(part, ToolCall)]
    results = [part for part in chat.messages[1].parts if isinstance(part, ToolResult)]
    assert [call.id for call in calls] == [result.id for result in results]
    assert calls[0].id != calls[1].id
    assert chat.messages[1].role == "tool"
    assert (results[0].failed, results[0].parts) == (True, [Text(text="no")])
    assert ids.unpack(calls[0].id) == (None, "QUI=")


def test_google_s_schema_becomes_json_schema() -> None:
    tool = read(BODIES["tools"]).content().tools[1]
    assert isinstance(tool, Tool)
    assert tool.parameters == {
        "type": "object", "properties": {"at": {"type": ["string", "null"]}}, "required": ["at"],
    }  # fmt: skip


# --- for Google, from others -----------------------------------------------------------------------------------------


def made(*messages: Message, model: str = "m", stream: bool = False, **fields: Any) -> Chat:
    return Chat.made(model, Content([*messages], **fields), stream=stream)


def body_of(chat: Chat, to: Endpoint = HERE) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(OUT.write(chat, to).body)
    types.GenerateContentConfig.model_validate(body.get("generationConfig", {}))
    [types.Content.model_validate(content) for content in body["contents"]]
    [types.Tool.model_validate(tool) for tool in body.get("tools", ())]
    types.ToolConfig.model_validate(body.get("toolConfig", {}))
    return body


def test_everything_of_another_dialect_has_its_place() -> None:
    chat = made(
        Message("system", [Text(text="Be brief.")]),
        Message("user", [Text(text="Look"), Image(media=Media(mime="image/png", data=PNG))]),
        Message("assistant", [Reasoning(text="Hm"), ToolCall(id="call_1", name="f", arguments='{"x": 1.0}'),
                              ToolCall(id="call_2", name="g", arguments="")]),
        Message("tool", [ToolResult(id="call_2", parts=[Text(text="plain")])]),
        Message("tool", [ToolResult(id="call_1", parts=[Text(text='{"a":1}'),
                                                       Image(media=Media(mime="image/png", data=PNG))])]),
        Message("user", [Audio(media=Media(data="UklG"), format="wav"),
                         File(media=Media(mime="application/pdf", url="https://a/b.pdf"))]),
        tools=[Tool("f", "F.", {"type": "object"}, strict=True)],
        tool_choice=ToolChoice("tool", "f"),
        parallel_tools=False,
        format=Format("schema", "x", {"type": "object"}),
        stop=["END"], seed=1, top_k=4, n=2, presence_penalty=0.1, frequency_penalty=0.2, logprobs=True, top_logprobs=2,
        user="u", thinking=Thinking("low", shown=True), modalities=["text", "audio"],
        audio={"voice": "Kore", "format": "wav"}, extra={"logit_bias": {"1": 2}},
    )  # fmt: skip
    chat.max_tokens, chat.temperature, chat.top_p = 5, 0.1, 0.2
    written = OUT.write(chat, HERE)
    assert written.path == b"/models/gemini-2.5-flash:generateContent"
    assert body_of(chat) == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            user({"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}),
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"id": "call_1", "name": "f", "args": {"x": 1.0}}},
                    {"functionCall": {"id": "call_2", "name": "g", "args": {}}},
                ],
            },
            user(
                {"functionResponse": {"id": "call_2", "name": "g", "response": {"output": "plain"}}},
                {
                    "functionResponse": {
                        "id": "call_1",
                        "name": "f",
                        "response": {"a": 1},
                        "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}],
                    }
                },
            ),
            user(
                {"inlineData": {"mimeType": "audio/wav", "data": "UklG"}},
                {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a/b.pdf"}},
            ),
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "description": "F.", "parametersJsonSchema": {"type": "object"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {
            "maxOutputTokens": 5, "temperature": 0.1, "topP": 0.2, "stopSequences": ["END"], "seed": 1, "topK": 4,
            "candidateCount": 2, "presencePenalty": 0.1, "frequencyPenalty": 0.2, "responseLogprobs": True,
            "logprobs": 2, "responseModalities": ["TEXT", "AUDIO"], "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        },
    }  # fmt: skip
    assert {*written.dropped} == {
        "messages[2].content[0].reasoning", "tools[0].strict", "audio.format", "user", "parallel_tool_calls", "logit_bias",
    }  # fmt: skip


def test_arguments_keep_their_digits() -> None:
    chat = made(Message("assistant", [ToolCall(id="a", name="f", arguments='{"x": 1e3, "y": 1.10}')]))
    assert b'"args":{"x":1e3,"y":1.10}' in OUT.write(chat, HERE).body


def test_a_signature_comes_back_out_of_the_id() -> None:
    ident = ids.pack("own", "c2ln", "0")
    chat = made(
        Message("assistant", [ToolCall(id=ident, name="f", arguments="{}")]),
        Message("tool", [ToolResult(id=ident, parts=[Text(text="x")])]),
    )
    first, second = body_of(chat, Endpoint("gemini-3-pro-preview"))["contents"]
    assert first["parts"] == [{"functionCall": {"id": "own", "name": "f", "args": {}}, "thoughtSignature": "c2ln"}]
    assert second["parts"][0]["functionResponse"]["id"] == "own"


@pytest.mark.parametrize(("model", "signed"), [("gemini-3-pro", True), ("gemini-2.5-pro", False), ("gemma-3", False)])
def test_a_call_of_another_model_gets_the_word_for_a_signature(model: str, signed: bool) -> None:
    chat = made(Message("assistant", [ToolCall(id="a", name="f"), ToolCall(id="b", name="f")]))
    parts = body_of(chat, Endpoint(model))["contents"][0]["parts"]
    assert ["thoughtSignature" in part for part in parts] == [signed, False]


@pytest.mark.parametrize(
    ("model", "effort", "config", "dropped"),
    [
        ("gemini-2.5-pro", "none", {"thinkingBudget": 0}, []),
        ("gemini-2.5-pro", "medium", {"thinkingBudget": 8192}, []),
        ("gemini-3-flash", "minimal", {"thinkingLevel": "MINIMAL"}, []),
        ("gemini-3-flash", "xhigh", {"thinkingLevel": "HIGH"}, ["reasoning_effort"]),
        ("gemini-3-flash", "none", None, ["reasoning_effort"]),
    ],
)
def test_an_effort_is_a_budget_or_a_level(model: str, effort: str, config: Any, dropped: list[str]) -> None:
    chat = made(Message("user", [Text(text="a")]), thinking=Thinking(effort))
    written = OUT.write(chat, Endpoint(model))
    assert json.loads(written.body).get("generationConfig", {}).get("thinkingConfig") == config
    assert written.dropped == tuple(dropped)


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (Opaque(dialect="anthropic", value={"type": "x"}), "messages[0].content[0]"),
        (ToolCall(id="a", name="f", arguments="[1]"), "messages[0].content[0]"),
        (ToolCall(id="a", name="f", arguments="{"), "messages[0].content[0]"),
        (ToolResult(id="nobody's", parts=[]), "messages[0].content[0]"),
        (File(media=Media(file="file-1")), "messages[0].content[0]"),
        (File(media=Media(data="AAAA")), "messages[0].content[0]"),
    ],
)
def test_what_google_cannot_be_told_is_said_with_its_place(part: Any, place: str) -> None:
    with pytest.raises(Unsupported) as caught:
        OUT.write(made(Message("user", [part])), HERE)
    assert caught.value.where == place


def test_a_tool_that_another_provider_runs_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        OUT.write(made(Message("user", [Text(text="a")]), tools=[ServerTool("openai", {})]), HERE)


@pytest.mark.parametrize(
    ("model", "options", "path"),
    [
        ("gemini-2.5-pro", {}, b"/models/gemini-2.5-pro:generateContent"),
        ("tunedModels/x", {}, b"/tunedModels/x:generateContent"),
        (
            "gemini-2.5-pro",
            {"project": "p", "location": "europe-west4"},
            b"/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-pro:generateContent",
        ),
        ("endpoints/1", {"project": "p"}, b"/projects/p/locations/global/endpoints/1:generateContent"),
        ("a b?c", {}, b"/models/a%20b%3Fc:generateContent"),
    ],
)
def test_the_path_is_that_of_the_provider(model: str, options: dict[str, Any], path: bytes) -> None:
    assert OUT.write(made(Message("user", [Text(text="a")])), Endpoint(model, options)).path == path


def test_a_stream_is_asked_for_in_the_form_that_the_client_reads() -> None:
    path = PATH.replace("generate", "streamGenerate")
    assert OUT.write(read(BODIES["text"], path, alt="sse"), HERE).path.endswith(b":streamGenerateContent?alt=sse")
    array = read(BODIES["text"], path)
    assert OUT.write(array, HERE).path.endswith(b":streamGenerateContent")
    assert IN.stream_type(array) == b"application/json"


def test_tokens_are_counted() -> None:
    path = "/v1beta/models/gemini-2.5-flash:countTokens"
    assert IN.counts(path)
    for body in (BODIES["text"], {"generateContentRequest": {"model": "models/gemini-2.5-flash", **BODIES["text"]}}):
        written = OUT.write_count(read(body, path), HERE)
        assert written.path == b"/models/gemini-2.5-flash:countTokens"
        assert json.loads(written.body) == {
            "generateContentRequest": {"model": "models/gemini-2.5-flash", **BODIES["text"]}
        }
    counted = OUT.counted_tokens(b'{"totalTokens": 7, "promptTokensDetails": []}')
    assert json.loads(IN.render_count(counted)) == {"totalTokens": 7}
