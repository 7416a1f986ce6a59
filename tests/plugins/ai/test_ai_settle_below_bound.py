"""No bill is larger than the bound that was reserved for it: any chat, from any client's dialect to any provider.

Chats go through the real readers, the real bound and the real writers. What is then on its way to the provider is billed by
a provider of the worst kind: a token for each byte of text, a cache written at the dearest price, the longest answer, all of
its pictures at the highest count. It reads the request that is sent, and nothing of ours.
"""

from __future__ import annotations

import base64
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.api import ClientFault, Money, NotStrict
from headgate.api.ai import Counted, Endpoint, Speaks, Unsupported
from headgate_ai.catalog import entry
from headgate_ai.prices import given as said
from headgate_ai.providers import providers
from headgate_ai.questions import Question
from headgate_anthropic import Anthropic
from headgate_bedrock import Bedrock
from headgate_cohere import Cohere
from headgate_gemini import Gemini
from headgate_mistral import Mistral
from headgate_openai import OpenAi

PLUGINS = (OpenAi, Anthropic, Cohere, Gemini, Mistral, Bedrock)
KNOWN: dict[str, Speaks] = {one.name: one for plugin in PLUGINS for one in plugin().register_dialects()}  # type: ignore[attr-defined]
DIALECTS = {name: one.standing(KNOWN) for name, one in KNOWN.items()}
MODELS = [
    ("openai", "gpt-4.1"),
    ("openai", "gpt-5"),
    ("openai", "gpt-4o-audio-preview"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-5"),
    ("gemini", "gemini-2.5-pro"),
    ("gemini", "gemini-2.5-flash-image"),
    ("mistral", "mistral-large-latest"),
    ("cohere", "command-a-03-2025"),
    ("bedrock", "anthropic.claude-3-haiku-20240307-v1:0"),
    ("groq", "llama-3.3-70b-versatile"),
    ("xai", "grok-4"),
    ("openrouter", "openai/gpt-4.1"),
    ("openai", "a-model-that-nobody-knows"),
]

# --- any chat --------------------------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["\u72d0" * 50, '\x00\x1f\\"', "🦊" * 20]
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2), max_leaves=4,
)  # fmt: skip
PNG, PDF, FILM = "iVBORw0KGgo=", "JVBERi0xLjQ=", "AAAAGGZ0eXA="
schema = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(text, st.just({"type": "string"}))}
)
name = st.from_regex(r"[a-z]{1,20}", fullmatch=True)
odd = st.sampled_from([
    "prediction", "web_search_options", "service_tier", "modalities", "audio", "conversation", "prompt", "speed",
    "container", "mcp_servers", "cachedContent", "serviceTier", "thinking", "reasoning_effort", "connectors", "models",
    "provider", "plugins", "cache_control", "metadata", "store", "seed", "n", "best_of", "num_generations", "fallbacks",
    "previous_response_id", "output_config", "output_format", "safety_mode", "logit_bias", "max_completion_tokens",
])  # fmt: skip
values = st.sampled_from(
    ["priority", "flex", "auto", "fast", ["text"], ["text", "audio"], 1, 2, {}, {"type": "ephemeral"}]
)


def maybe(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


def merged(*parts: Any) -> Any:
    return st.tuples(*parts).map(lambda found: {name: value for part in found for name, value in part.items()})


counts = st.integers(1, 10**6)
function = st.fixed_dictionaries({"name": name, "parameters": schema}, optional={"description": text})
extra = st.dictionaries(odd, values | junk, max_size=2)


def openai_message() -> Any:
    image = st.sampled_from(
        [f"data:image/png;base64,{PNG}", "https://x.example/a.png", f"data:video/mp4;base64,{FILM}"]
    )
    part = st.one_of(
        text.map(lambda said: {"type": "text", "text": said}),
        image.map(lambda url: {"type": "image_url", "image_url": {"url": url}}),
        st.just({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"}}),
        st.just({"type": "file", "file": {"file_id": "file-1"}}),
        st.just({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}),
        st.just({"type": "video_url", "video_url": {"url": "https://x.example"}}),
    )
    content = text | st.lists(merged(part, st.dictionaries(st.just("x"), junk, max_size=1)), min_size=1, max_size=3)
    role = st.sampled_from(["user", "system", "developer", "assistant"])
    return st.fixed_dictionaries({"role": role, "content": content}, optional={"name": text})


def anthropic_message() -> Any:
    source = st.sampled_from([
        {"type": "base64", "media_type": "image/png", "data": PNG}, {"type": "url", "url": "https://x.example/a.png"},
    ])  # fmt: skip
    part = st.one_of(
        text.map(lambda said: {"type": "text", "text": said, "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        source.map(lambda source: {"type": "image", "source": source}),
        st.fixed_dictionaries({
            "type": st.just("document"), "title": text, "context": text,
            "source": st.just({"type": "base64", "media_type": "application/pdf", "data": PDF}),
        }),
        text.map(lambda said: {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": said}}),
        st.just({"type": "container_upload", "file_id": "f"}),
    )  # fmt: skip
    content = text | st.lists(part, min_size=1, max_size=3)
    return st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": content})


def gemini_content() -> Any:
    blob = st.sampled_from(
        [("image/png", PNG), ("application/pdf", PDF), ("video/mp4", FILM), ("audio/ogg", "T2dnUw==")]
    )
    part = st.one_of(
        text.map(lambda said: {"text": said}),
        blob.map(lambda blob: {"inlineData": {"mimeType": blob[0], "data": blob[1]}}),
        st.just({"fileData": {"fileUri": "gs://a/b", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 24}}),
    )
    return st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "model"]), "parts": st.lists(part, min_size=1, max_size=3)}
    )


def bodies(dialect: str) -> Any:
    turns = st.lists(openai_message(), min_size=1, max_size=3)
    wrapped = st.lists(st.fixed_dictionaries({"type": st.just("function"), "function": function}), max_size=2)
    if dialect == "anthropic":
        own = function.map(lambda f: {"name": f["name"], "input_schema": f["parameters"]})
        tools = st.lists(
            own | st.just({"type": "web_search_20250305", "name": "web_search", "max_uses": 1}), max_size=2
        )
        base = st.fixed_dictionaries(
            {"model": st.just("m"), "messages": st.lists(anthropic_message(), min_size=1, max_size=3)},
            optional={"max_tokens": counts | st.just(0), "system": text, "tools": tools, "top_k": counts},
        )
    elif dialect == "gemini":
        config = maybe(
            maxOutputTokens=counts, candidateCount=st.integers(1, 8), responseSchema=schema, stopSequences=st.just(["x"]),
            responseModalities=st.sampled_from([["TEXT"], ["IMAGE"]]), mediaResolution=st.just("MEDIA_RESOLUTION_HIGH"),
        )  # fmt: skip
        declared = function.map(lambda f: {"functionDeclarations": [f]})
        base = st.fixed_dictionaries(
            {"contents": st.lists(gemini_content(), min_size=1, max_size=3)},
            optional={
                "generationConfig": config, "tools": st.lists(declared | st.just({"googleSearch": {}}), max_size=2),
                "systemInstruction": text.map(lambda said: {"parts": [{"text": said}]}),
            },
        )  # fmt: skip
    elif dialect == "openai-responses":
        flat = st.lists(
            function.map(lambda f: {"type": "function", **f}) | st.just({"type": "file_search"}), max_size=2
        )
        base = st.fixed_dictionaries(
            {"model": st.just("m"), "input": text},
            optional={"max_output_tokens": counts, "instructions": text, "tools": flat, "include": st.just([])},
        )
    else:
        base = st.fixed_dictionaries(
            {"model": st.just("m"), "messages": turns},
            optional={
                "max_tokens": counts,
                "tools": wrapped,
                "n": st.integers(1, 20),
                "documents": st.lists(text, max_size=2),
            },
        )
    return merged(base, extra)


# --- the worst bill --------------------------------------------------------------------------------------------------

# Of each picture, of what frames a turn and of what all tools need: the most that any page of a provider's tells of.
PICTURE, TURN, TOOLS = 48_169, 4, 346
_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens")
_DEAR = ("application/pdf", "video/", "audio/")


def worst(sent: dict[str, Any], window: int) -> tuple[int, int]:
    """Tokens of texts and of pictures in a request: of any shape, by what stands in it."""
    told = [
        sent.get(name)
        for name in ("messages", "contents", "input", "system", "systemInstruction", "instructions", "documents")
    ]
    texts, pictures = 0, 0
    for one in told:
        more, seen = _read(one, window)
        texts, pictures = texts + more, pictures + seen
    tools = sent.get("tools") or (sent.get("toolConfig") or {}).get("tools")
    texts += (TOOLS + len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode())) if tools else 0
    turns = [*(sent.get("messages") or ()), *(sent.get("contents") or ())]
    return min(window, texts + TURN * (len(turns) + 2)), pictures


def _read(value: Any, window: int) -> tuple[int, int]:
    if isinstance(value, str):
        found = re.match(r"data:([a-z]+/[a-z0-9]+);base64,", value)
        return _media(found[1], window) if found else (len(value.encode()), 0)
    if isinstance(value, dict):
        mime = value.get("media_type") or value.get("mimeType")
        if isinstance(mime, str) and mime != "text/plain" and "data" in value:
            return _media(mime, window)
        if "image_url" in value and "http" in str(value["image_url"]):
            return 0, PICTURE
        if "format" in value and "bytes" in str(value.get("source")):
            return _of_bedrock(value["format"], value["source"]["bytes"], window)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found_in = [_read(one, window) for one in inner]
    return sum(one[0] for one in found_in), sum(one[1] for one in found_in)


def _of_bedrock(form: str, data: str, window: int) -> tuple[int, int]:
    if form == "txt":
        return len(base64.b64decode(data)), 0
    return _media("image/x" if form in ("png", "jpeg", "gif", "webp") else "application/pdf", window)


def _media(mime: str, window: int) -> tuple[int, int]:
    return (window, 0) if mime.startswith(_DEAR) else (0, PICTURE)


def longest(sent: dict[str, Any], most: int) -> int:
    """Tokens of all answers that the request allows."""
    config = {**sent, **(sent.get("generationConfig") or {}), **(sent.get("inferenceConfig") or {})}
    given = [config[name] for name in _BOUNDS if config.get(name) is not None]
    each = max(given) if given else most
    return int(each) * int(config.get("n") or config.get("candidateCount") or 1)


def asked(dialect: str, body: dict[str, Any], provider: str, model: str) -> tuple[Any, Any, Any] | None:
    """The model, the bound and the request; None where it is refused."""
    row = providers()[provider]
    known = entry(row, model)
    prices = known.prices if known.prices.known else said({"input": Money(5 * 10**9), "output": Money(9 * 10**9)})
    at = SimpleNamespace(
        dialect=DIALECTS[row.dialect].outbound, label=f"{provider}/{model}", name=model, prices=prices, provider=row,
        context=known.context, most_output=known.most_output, outputs=known.outputs, abilities=known.abilities,
        endpoint=Endpoint(model, {**row.options, "project": "p"} if provider == "vertex" else row.options),
    )  # fmt: skip
    inbound = DIALECTS[dialect].inbound
    assert inbound is not None
    try:
        chat = inbound.read(json.dumps(body).encode(), "/v1beta/models/m:generateContent", {})
        question = Question(SimpleNamespace(node=SimpleNamespace(dialects=DIALECTS)), chat, None)  # type: ignore[arg-type]
        written = question.write(at, None)  # type: ignore[arg-type]
        bound = question.bound(at, None)  # type: ignore[arg-type]
    except (NotStrict, ClientFault, Unsupported):
        return None
    return None if bound.unbounded is not None else (at, bound, json.loads(written.body))


@pytest.mark.parametrize("dialect", ["openai", "openai-responses", "anthropic", "gemini", "cohere", "mistral"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_bill_is_larger_than_its_bound(dialect: str, data: st.DataObject) -> None:
    provider, model = data.draw(st.sampled_from(MODELS))
    found = asked(dialect, data.draw(bodies(dialect)), provider, model)
    if found is None:
        return
    at, bound, sent = found
    window = at.context or 10**6
    texts, pictures = worst(sent, window)
    answered = longest(sent, at.most_output or at.context or 0)
    plain = Counted(input_tokens=texts + pictures, output_tokens=answered)
    whole = plain.input_tokens
    for billed in (
        plain,
        replace(plain, cached_tokens=whole),
        replace(plain, cache_write_tokens=whole),
        replace(plain, cache_write_tokens=whole, cache_write_1h_tokens=whole),
        replace(plain, reasoning_tokens=answered),
        replace(plain, input_image_tokens=pictures, output_audio_tokens=answered),
    ):
        cost = at.prices.cost(billed)
        assert cost is not None
        assert cost <= bound.cost, (billed, bound, sent)


def test_most_chats_are_not_refused() -> None:
    """Else the test above would show nothing."""
    plain = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}], "seed": 4, "n": 2}
    passed = [model for model in MODELS if asked("openai", plain, *model) is not None]
    assert len(passed) >= len(MODELS) - 3
