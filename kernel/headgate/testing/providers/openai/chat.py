"""POST /chat/completions: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn
from headgate.testing.providers.frames import Frame, compact, sse
from headgate.testing.providers.openai.chat_rules import check_rules
from headgate.testing.providers.openai.refusing import checked
from headgate.testing.providers.says import Says, Tokens
from headgate.testing.providers.strict import conforms

STOPS = {"stop": "stop", "sequence": "stop", "length": "length", "tools": "tool_calls", "filter": "content_filter"}
PING = Frame(b": ping\n\n")


class Chat:
    """Chat completions, whole and in chunks."""

    method = "POST"
    pattern = re.compile("/chat/completions")

    def __init__(self, *, include_usage: bool, reasoning_field: str, also: frozenset[str]) -> None:
        self._include_usage = include_usage
        self._reasoning_field = reasoning_field
        self._also = also

    def check(self, asked: Asked) -> None:
        streams = isinstance(asked.body, dict) and asked.body.get("stream") is True
        kind = CompletionCreateParamsStreaming if streams else CompletionCreateParamsNonStreaming
        back = frozenset({"annotations", self._reasoning_field}) - {""}
        check_rules(checked(asked, kind, self._also, back), include_usage=self._include_usage)

    def reply(self, turn: Turn) -> Reply:
        if turn.asked.body.get("stream"):
            return Reply(frames=Chunks(turn, self._reasoning_field).frames(), content_type=EVENTS)
        return Reply(compact(self._whole(turn)))

    def _whole(self, turn: Turn) -> dict[str, Any]:
        body = turn.asked.body
        choices = [choice(turn, index) for index in range(body.get("n") or 1)]
        whole = {**header(turn, "chat.completion"), "choices": choices}
        if not turn.says.manners.no_usage:
            whole["usage"] = usage(turn.tokens)
        conforms(whole, ChatCompletion)
        for each in choices:
            each["message"].update(self._thoughts(turn.says))
        return whole

    def _thoughts(self, says: Says) -> dict[str, str]:
        """Compatible providers show reasoning in a field that OpenAI's types do not have."""
        text = "".join(thought.text for thought in says.thoughts)
        return {self._reasoning_field: text} if self._reasoning_field and text else {}


def header(turn: Turn, kind: str) -> dict[str, Any]:
    """What a completion and each of its chunks begin with."""
    return {
        "id": f"chatcmpl-{turn.number:029d}",
        "object": kind,
        "created": int(time.time()),
        "model": turn.asked.body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def choice(turn: Turn, index: int) -> dict[str, Any]:
    """One choice of a whole completion."""
    says = turn.says
    message: dict[str, Any] = {"role": "assistant", "content": says.words or None, "refusal": says.refusal or None}
    message["annotations"] = citations(says)
    if says.calls:
        message["tool_calls"] = [
            {"id": call_id(turn, at), "type": "function", "function": {"name": call.name, "arguments": call.text}}
            for at, call in enumerate(says.calls)
        ]
    return {
        "index": index,
        "message": message,
        "logprobs": {"content": logprobs(turn, says.words), "refusal": None} if wants_logprobs(turn) else None,
        "finish_reason": STOPS[says.ends],
    }


def call_id(turn: Turn, at: int) -> str:
    """The id of a call: the script's, or one that OpenAI could have made."""
    return turn.says.calls[at].id or f"call_{turn.number:020d}{at:04d}"


def usage(tokens: Tokens) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/chat/object, "usage"."""
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    }


def citations(says: Says) -> list[dict[str, Any]]:
    """Citations as OpenAI's search models give them."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": cited.url,
                "title": cited.title,
                "start_index": cited.start,
                "end_index": cited.end,
            },
        }
        for cited in says.citations
    ]


def wants_logprobs(turn: Turn) -> bool:
    """Whether the request asked for the probability of each token."""
    return bool(turn.asked.body.get("logprobs"))


def logprobs(turn: Turn, text: str) -> list[dict[str, Any]]:
    """One entry for each piece; the alternatives are as many as were asked for."""
    return [
        {
            "token": piece,
            "logprob": -0.25,
            "bytes": list(piece.encode()),
            "top_logprobs": [
                {"token": piece, "logprob": -0.25 - at, "bytes": list(piece.encode())}
                for at in range(turn.asked.body.get("top_logprobs") or 0)
            ],
        }
        for piece in turn.says.pieces.of_text(text)
    ]


class Chunks:
    """A completion in chunks: role, words, calls in fragments, the reason of the end, usage, [DONE]."""

    def __init__(self, turn: Turn, reasoning_field: str) -> None:
        self._turn = turn
        self._says = turn.says
        self._reasoning_field = reasoning_field
        self._header = header(turn, "chat.completion.chunk")
        self._usage = bool((turn.asked.body.get("stream_options") or {}).get("include_usage"))

    def frames(self) -> Iterator[Frame]:
        """The events, in order."""
        choices = range(self._turn.asked.body.get("n") or 1)
        rows = zip_longest(*(self._of_choice(index) for index in choices))
        for number, frame in enumerate(frame for row in rows for frame in row if frame is not None):
            if (every := self._says.pieces.ping_every) and number and number % every == 0:
                yield PING
            yield frame
        if self._usage and not self._says.manners.no_usage:
            yield self._chunk([], usage=usage(self._turn.tokens))
        yield Frame(b"data: [DONE]\n\n", last=True)

    def _of_choice(self, index: int) -> Iterator[Frame]:
        hidden = 0 if self._reasoning_field else sum(len(thought.text) for thought in self._says.thoughts)
        yield self._delta(index, {"role": "assistant", "content": "", "refusal": None}, produced=hidden)
        for part in self._says.thoughts if self._reasoning_field else ():
            for piece in self._says.pieces.of_text(part.text):
                yield self._delta(index, {}, {self._reasoning_field: piece}, produced=len(piece))
        for piece in self._says.pieces.of_text(self._says.refusal):
            yield self._delta(index, {"refusal": piece}, produced=len(piece))
        for piece in self._says.pieces.of_text(self._says.words):
            yield self._delta(index, {"content": piece}, produced=len(piece), piece=piece)
        yield from self._calls(index)
        yield self._delta(index, {}, stop=STOPS[self._says.ends])

    def _calls(self, index: int) -> Iterator[Frame]:
        each = [self._call(index, at) for at in range(len(self._says.calls))]
        if not self._says.pieces.interleave:
            for frames in each:
                yield from frames
        else:
            yield from (frame for row in zip_longest(*each) for frame in row if frame is not None)

    def _call(self, index: int, at: int) -> Iterator[Frame]:
        call = self._says.calls[at]
        opening = {"name": call.name, "arguments": ""}
        first = {"index": at, "id": call_id(self._turn, at), "type": "function", "function": opening}
        yield self._delta(index, {"tool_calls": [first]})
        for piece in self._says.pieces.of_arguments(call.text):
            fragment = {"index": at, "function": {"arguments": piece}}
            yield self._delta(index, {"tool_calls": [fragment]}, produced=len(piece))

    def _delta(
        self,
        index: int,
        delta: dict[str, Any],
        besides: dict[str, Any] | None = None,
        *,
        produced: int = 0,
        stop: str | None = None,
        piece: str = "",
    ) -> Frame:
        of_piece = {"content": logprobs(self._turn, piece), "refusal": None}
        spoken = {"logprobs": of_piece if piece and wants_logprobs(self._turn) else None}
        return self._chunk([{"index": index, "delta": delta, **spoken, "finish_reason": stop}], besides or {}, produced)

    def _chunk(
        self, choices: list[dict[str, Any]], besides: dict[str, Any] | None = None, produced: int = 0, **more: Any
    ) -> Frame:
        chunk = {**self._header, "choices": choices, **({"usage": None} if self._usage else {}), **more}
        conforms(chunk, ChatCompletionChunk)
        if besides:
            choices[0]["delta"].update(besides)
        return sse(chunk, produced=produced)
