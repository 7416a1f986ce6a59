"""Errors as Anthropic's clients parse them: `{"type": "error", "error": {type, message}, "request_id"}`.

Which exception a client raises is the status; `error.type` is what programs look at.
https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import Response, render_event
from headgate.api.ai import KeyState, Refusal

_JSON: Final = (b"content-type", b"application/json")

TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
STATUSES: Final = {
    **{word: status for status, word in TYPES.items() if status not in (408, 503)},
    "billing_error": 402,
}


# What says something of the key: types of https://platform.claude.com/docs/en/api/errors, and how sentences begin that
# come with the type of a malformed request. A `permission_error` may be about what the request names, so it says nothing.
_KEYS: Final[dict[str, KeyState]] = {
    "authentication_error": "invalid", "billing_error": "out of credit", "rate_limit_error": "limited",
}  # fmt: skip
_SENTENCES: Final[dict[str, KeyState]] = {
    "Your credit balance is too low": "out of credit",
    "You have reached your specified API usage limits": "out of credit",
    "This organization has been disabled": "invalid",
}


class WireError(msgspec.Struct):
    message: str
    type: str | None = None


class WireBody(msgspec.Struct):
    error: WireError


_bodies = msgspec.json.Decoder(WireBody)


def body(status: int, message: str) -> dict[str, Any]:
    """What an error says."""
    word = TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": word, "message": message}, "request_id": None}


def error(status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
    """An answer with an error."""
    return Response(status, [_JSON], msgspec.json.encode(body(status, message)))


def event(message: str, status: int) -> bytes:
    """An error in mid-stream; Anthropic's clients raise APIStatusError for it."""
    return render_event(msgspec.json.encode(body(status, message)), b"error")


def broken_off(message: str, kind: str) -> bytes:
    """The last event of a stream that cannot be completed."""
    return event(message, 504 if kind == "upstream.timeout" else 502)


def refusal(data: bytes) -> Refusal | None:
    """What an error says; None where it is none of Anthropic's."""
    try:
        said = _bodies.decode(data).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Refusal(said.message, {"code": said.type} if said.type else {}, _key(said))


def _key(said: WireError) -> KeyState | None:
    sentence = next((state for start, state in _SENTENCES.items() if said.message.startswith(start)), None)
    return sentence or _KEYS.get(said.type or "")
