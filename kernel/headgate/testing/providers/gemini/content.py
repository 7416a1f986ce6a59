"""generateContent, streamGenerateContent and countTokens: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Required, TypedDict

from google.genai import types

from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn
from headgate.testing.providers.frames import Frame, compact, sse
from headgate.testing.providers.gemini.rules import canonical, check_rules, checked
from headgate.testing.providers.says import Call, Flags, Part, Says, Thought, Tokens
from headgate.testing.providers.strict import conforms

STOPS = {"stop": "STOP", "sequence": "STOP", "tools": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}
MODEL = r"(?P<host>/v1(?:beta|alpha|beta1)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?)models/(?P<model>[^/:]+)"


class GenerationConfig(types.GenerationConfig):
    """With what the SDK sends there of its own `GenerateContentConfig`, and its type of the wire does not have."""

    image_config: types.ImageConfig | None = None


class GenerateContentRequest(TypedDict, total=False):
    """The body, of the SDK's types: https://ai.google.dev/api/generate-content#request-body."""

    model: str
    contents: Required[list[types.Content]]
    systemInstruction: types.Content
    tools: list[types.Tool]
    toolConfig: types.ToolConfig
    safetySettings: list[types.SafetySetting]
    generationConfig: GenerationConfig
    cachedContent: str
    labels: dict[str, str]
    serviceTier: types.ServiceTier
    store: bool


class CountTokensRequest(TypedDict, total=False):
    """https://ai.google.dev/api/tokens: contents, or a whole request."""

    contents: list[types.Content]
    generateContentRequest: GenerateContentRequest
    systemInstruction: types.Content
    tools: list[types.Tool]
    generationConfig: GenerationConfig


class Generate:
    """The whole answer."""

    method = "POST"
    pattern = re.compile(MODEL + ":generateContent")

    def __init__(self, signatures: bool) -> None:
        self._signatures = signatures

    def check(self, asked: Asked) -> None:
        body = checked(asked, GenerateContentRequest)
        check_rules(body, vertex="/projects/" in asked.path, signatures=self._signatures)

    def reply(self, turn: Turn) -> Reply:
        stop = STOPS[turn.says.ends]
        return Reply(compact(response(turn, list(whole_parts(turn)), turn.tokens, stop)))


class StreamGenerate(Generate):
    """The answer in pieces: server-sent events where `alt=sse` asks for them, else one JSON array."""

    pattern = re.compile(MODEL + ":streamGenerateContent")

    def reply(self, turn: Turn) -> Reply:
        responses = list(pieces(turn))
        if turn.asked.query.get("alt") == "sse":
            frames = [sse(each, produced=produced, last=last) for each, produced, last in responses]
            return Reply(frames=frames, content_type=EVENTS)
        return Reply(frames=_array(responses))


class CountTokens:
    """It costs nothing; the count is the script's."""

    method = "POST"
    pattern = re.compile(MODEL + ":countTokens")

    def check(self, asked: Asked) -> None:
        checked(asked, CountTokensRequest)

    def reply(self, turn: Turn) -> Reply:
        counted = {"totalTokens": turn.tokens.input}
        conforms(counted, types.CountTokensResponse)
        return Reply(compact(counted), costs=Tokens())


def response(turn: Turn, parts: list[dict[str, Any]], tokens: Tokens, stop: str | None, grounded: bool = True) -> Any:
    """One response: the whole answer, or a piece of it."""
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if stop:
        candidate["finishReason"] = stop
    if stop and grounded and turn.says.citations:
        candidate["groundingMetadata"] = grounding(turn.says)
    if stop and config(turn).get("responseLogprobs"):
        candidate |= {"avgLogprobs": -0.25, "logprobsResult": logprobs(turn.says)}
    whole: dict[str, Any] = {
        "candidates": [candidate],
        "modelVersion": _model(turn.asked),
        "responseId": f"resp-{turn.number}",
    }
    if not turn.says.manners.no_usage:
        whole["usageMetadata"] = usage(tokens)
    conforms(whole, types.GenerateContentResponse)
    return whole


def config(turn: Turn) -> dict[str, Any]:
    """The generation config of the request."""
    found: dict[str, Any] = canonical(turn.asked.body).get("generationConfig") or {}
    return found


def _model(asked: Asked) -> str:
    found = re.search(r"models/([^/:]+)", asked.path)
    return found[1] if found else ""


def usage(tokens: Tokens) -> dict[str, Any]:
    """Thoughts are counted beside the candidates: https://ai.google.dev/api/generate-content#UsageMetadata."""
    counts = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "totalTokenCount": tokens.input + tokens.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
    }
    besides = {"thoughtsTokenCount": tokens.reasoning, "cachedContentTokenCount": tokens.cached}
    return counts | {name: count for name, count in besides.items() if count}


def grounding(says: Says) -> dict[str, Any]:
    """Citations as the search tool gives them: https://ai.google.dev/gemini-api/docs/google-search."""
    return {
        "groundingChunks": [{"web": {"uri": each.url, "title": each.title}} for each in says.citations],
        "groundingSupports": [
            {
                "segment": {"startIndex": each.start, "endIndex": each.end, "text": each.cited},
                "groundingChunkIndices": [at],
            }
            for at, each in enumerate(says.citations)
        ],
    }


def logprobs(says: Says) -> dict[str, Any]:
    """One token for each piece of the text."""
    tokens = [{"token": piece, "logProbability": -0.25} for piece in says.pieces.of_text(says.words)]
    return {"chosenCandidates": tokens, "topCandidates": [{"candidates": [token]} for token in tokens]}


def spoken(turn: Turn) -> Iterator[tuple[Part, str]]:
    """The parts to send, each with the signature of the thought before it: that stands on what follows the thought."""
    shows = (config(turn).get("thinkingConfig") or {}).get("includeThoughts")
    signature = ""
    for part in turn.says.content:
        if isinstance(part, Thought):
            signature = part.signature
            if not shows:
                continue
        if isinstance(part, Flags):
            continue
        yield part, "" if isinstance(part, Thought) else signature
        signature = signature if isinstance(part, Thought) else ""


def signed(part: dict[str, Any], signature: str) -> dict[str, Any]:
    """A part with its signature, where it has one."""
    return {**part, "thoughtSignature": signature} if signature else part


def called(call: Call) -> dict[str, Any]:
    """A call is never cut: its arguments come as a value."""
    named = {"id": call.id} if call.id else {}
    return {"functionCall": {**named, "name": call.name, "args": dict(call.arguments)}}


def whole_parts(turn: Turn) -> Iterator[dict[str, Any]]:
    """The parts of a whole answer."""
    for part, signature in spoken(turn):
        if isinstance(part, Call):
            yield signed(called(part), signature)
        else:
            yield signed({"text": part.text, **_thought(part)}, signature)


def _thought(part: Part) -> dict[str, bool]:
    return {"thought": True} if isinstance(part, Thought) else {}


def pieces(turn: Turn) -> Iterator[tuple[Any, int, bool]]:
    """Responses, how much each carries, whether it ends the answer. Each has the counts so far."""
    said, whole = 0, sum(len(part.text) for part, _ in spoken(turn)) or 1
    for part, signature in spoken(turn):
        texts = [part.text] if isinstance(part, Call) else turn.says.pieces.of_text(part.text)
        for at, text in enumerate(texts):
            said += len(text)
            now = signature if at == len(texts) - 1 else ""
            shown = called(part) if isinstance(part, Call) else {"text": text, **_thought(part)}
            yield response(turn, [signed(shown, now)], turn.tokens.produced(said / whole), None), len(text), False
    yield response(turn, [{"text": ""}], turn.tokens, STOPS[turn.says.ends]), 0, True


def _array(responses: list[tuple[Any, int, bool]]) -> Iterator[Frame]:
    for at, (each, produced, last) in enumerate(responses):
        yield Frame((b",\r\n" if at else b"[") + compact(each) + (b"]" if last else b""), produced, last)
