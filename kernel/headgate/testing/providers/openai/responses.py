"""POST /responses: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

import re
import time
from typing import Any

from openai.types.responses import Response
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)

from headgate.testing.providers.asking import EVENTS, Asked, Reply, Turn, refuse
from headgate.testing.providers.frames import compact
from headgate.testing.providers.openai.refusing import said
from headgate.testing.providers.openai.responses_rules import Item, check_rules, completed
from headgate.testing.providers.openai.responses_stream import Events, items
from headgate.testing.providers.says import Tokens
from headgate.testing.providers.strict import Misfit, conforms


class Responses:
    """Responses, whole and in events. What is stored can be continued by `previous_response_id`."""

    method = "POST"
    pattern = re.compile("/responses")

    def __init__(self) -> None:
        self._stored: dict[str, list[Item]] = {}

    def check(self, asked: Asked) -> None:
        body = completed(asked.body)
        if not isinstance(body, dict):
            raise refuse("We could not parse the JSON body of your request.")
        try:
            conforms(body, ResponseCreateParamsStreaming if body.get("stream") else ResponseCreateParamsNonStreaming)
        except Misfit as misfit:
            raise said(misfit) from None
        check_rules(body, self._before(body))

    def _before(self, body: dict[str, Any]) -> list[Item]:
        previous = body.get("previous_response_id")
        if previous is None:
            return []
        if previous not in self._stored:
            raise refuse(f"Previous response with id '{previous}' not found.", param="previous_response_id")
        return self._stored[previous]

    def reply(self, turn: Turn) -> Reply:
        whole = response(turn)
        conforms(whole, Response)
        self._store(turn, whole)
        if turn.asked.body.get("stream"):
            return Reply(frames=Events(turn, whole).frames(), content_type=EVENTS)
        if turn.says.manners.no_usage:
            del whole["usage"]
        return Reply(compact(whole))

    def _store(self, turn: Turn, whole: dict[str, Any]) -> None:
        body = turn.asked.body
        if body.get("store") is not False:
            given = body.get("input")
            asked = given if isinstance(given, list) else [{"role": "user", "content": given}]
            self._stored[whole["id"]] = [*self._before(body), *asked, *whole["output"]]


def response(turn: Turn) -> dict[str, Any]:
    """The whole response; it repeats much of what was asked."""
    body = completed(turn.asked.body)
    reasons = {"length": "max_output_tokens", "filter": "content_filter"}
    reason = reasons.get(turn.says.ends)
    return {
        "id": f"resp_{turn.number:032d}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": body["model"],
        "output": items(turn),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": usage(turn.tokens),
    }


def usage(tokens: Tokens) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/responses/object, "usage"."""
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }
