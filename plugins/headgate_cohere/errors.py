"""Errors as Cohere's clients parse them: `{"message": …}`; which exception a client raises is the status.

https://docs.cohere.com/reference/errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import Response, render_event
from headgate.api.ai import Refusal

_JSON: Final = (b"content-type", b"application/json")


class WireError(msgspec.Struct):
    message: str


_errors = msgspec.json.Decoder(WireError)
# A 429 that no minute mends; every other state of a key is a status: https://docs.cohere.com/reference/errors.
_TRIAL_IS_OVER: Final = "You are using a Trial key, which is limited to 1000 API calls / month"


def error(status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
    """An answer with an error."""
    return Response(status, [_JSON], msgspec.json.encode({"message": message}))


def failed(message: str, status: int) -> bytes:
    """The end of a stream that failed: Cohere says so where it says why an answer ended."""
    reason = "TIMEOUT" if status == 504 else "ERROR"
    delta = {"finish_reason": reason, "error": message}
    return render_event(msgspec.json.encode({"type": "message-end", "delta": delta}), b"message-end")


def broken_off(message: str, kind: str) -> bytes:
    """The last event of a stream that cannot be completed."""
    return failed(message, 504 if kind == "upstream.timeout" else 502)


def refusal(data: bytes) -> Refusal | None:
    """What an error says; None where it is none of Cohere's."""
    try:
        message = _errors.decode(data).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Refusal(message, {}, "out of credit" if message.startswith(_TRIAL_IS_OVER) else None)
