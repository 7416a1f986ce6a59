"""Requests that use everything that the reference of the Messages API has."""

from __future__ import annotations

from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
PDF = "JVBERi0xLjQK"
EPHEMERAL = {"type": "ephemeral", "ttl": "1h"}
CHAR = {
    "type": "char_location", "cited_text": "it is", "document_index": 0, "document_title": "A book",
    "start_char_index": 2, "end_char_index": 7,
}  # fmt: skip
WEB = {
    "type": "web_search_result_location", "cited_text": "b", "encrypted_index": "Eo8=", "title": None, "url": "http://x",
}  # fmt: skip
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo", "days": 2, "exact": 1.0}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}}
FOUND = {
    "type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "url": "http://x", "title": "X", "encrypted_content": "Eo8=", "page_age": None}],
}  # fmt: skip

USER: list[Any] = [
    "Hi",
    [{"type": "text", "text": "Hi"}],
    [{"type": "text", "text": "Hi", "cache_control": EPHEMERAL}, {"type": "text", "text": "you", "citations": None}],
    [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}, "cache_control": EPHEMERAL}],
    [{"type": "image", "source": {"type": "url", "url": "http://x/a.png"}}],
    [{"type": "image", "source": {"type": "file", "file_id": "file_1"}}],
    [{"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "A book"}],
    [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words é"}, "citations": {"enabled": True}}],
    [{"type": "document", "source": {"type": "url", "url": "http://x/a.pdf"}, "citations": {"enabled": False}, "context": "Old"}],
    [{"type": "document", "source": {"type": "file", "file_id": "file_2"}, "title": None}],
    [{"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Words"}]}}],
    [{"type": "search_result", "source": "s", "title": "T", "content": [{"type": "text", "text": "Words"}]}],
    [{"type": "container_upload", "file_id": "file_3"}],
]  # fmt: skip
ASSISTANT: list[Any] = [
    "Hello",
    [{"type": "text", "text": "So it is.", "citations": [CHAR, WEB]}],
    [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, {"type": "redacted_thinking", "data": "ZGF0YQ=="}],
    [SEARCH, FOUND],
]
RESULTS: list[Any] = [
    {"type": "tool_result", "tool_use_id": "toolu_1"},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"},
    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Rain"}], "is_error": True},
    {
        "type": "tool_result", "tool_use_id": "toolu_1", "is_error": False, "cache_control": EPHEMERAL,
        "content": [
            {"type": "text", "text": "Rain"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words"}},
        ],
    },
]  # fmt: skip
WEATHER = {"name": "weather", "description": "The weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}  # fmt: skip
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}  # fmt: skip
FIELDS: list[dict[str, Any]] = [
    {},
    {"system": "Be brief."},
    {"system": [{"type": "text", "text": "Be brief.", "cache_control": EPHEMERAL}, {"type": "text", "text": "Be kind."}]},
    {"tools": [WEATHER, {**WEATHER, "name": "b", "type": "custom", "strict": True, "cache_control": EPHEMERAL}]},
    {"tools": [WEATHER, {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]},
    {"tools": [WEATHER], "tool_choice": {"type": "auto"}},
    {"tools": [WEATHER], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": False}},
    {"tools": [WEATHER], "tool_choice": {"type": "none"}},
    {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "max"}},
    {"output_config": {"effort": "low"}},
    {"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}},
    {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "high"}},
    {"thinking": {"type": "adaptive"}},
    {"thinking": {"type": "between_tools"}},
    {"thinking": {"type": "disabled"}},
    {"stop_sequences": ["END"], "metadata": {"user_id": "u1"}, "service_tier": "standard_only"},
    {"service_tier": "auto", "container": "c1", "inference_geo": "us", "speed": "fast", "cache_control": EPHEMERAL},
    {"stream": True, "diagnostics": {"previous_message_id": None}, "user_profile_id": "p"},
]  # fmt: skip


def body(content: Any = "Hi", **fields: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-6",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": content}],
        **fields,
    }


def round_of(result: Any, said: Any = None) -> dict[str, Any]:
    """A conversation in which a tool was called."""
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [*(said or []), USE]},
        {"role": "user", "content": [result]},
    ]
    return body(messages=turns, tools=[WEATHER])


BODIES = [
    *(body(content) for content in USER),
    *(body(messages=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": said}, {"role": "user", "content": "Go on"}]) for said in ASSISTANT),
    *(round_of(result) for result in RESULTS),
    *(body(**fields) for fields in FIELDS),
    body(messages=[{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]),
]  # fmt: skip
# What only beta versions or the older version take; the types of the SDK do not have it.
OLDER = [body(temperature=0.5, top_p=0.9, top_k=3), body(output_format={"type": "json_schema", "schema": SCHEMA})]
