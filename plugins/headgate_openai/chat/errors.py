"""Errors as OpenAI's clients parse them: `{"error": {message, type, param, code}}`.

Which exception a client raises is the status; `type` and `code` are what programs look at, so they are OpenAI's own words
where OpenAI has one for it, and ours (`upstream_timeout`) where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import Response, render_event

_JSON = (b"content-type", b"application/json")

TYPES: Final = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
# Kinds of failure that OpenAI has a word for: the type, where it is not that of the status, and the code.
CODES: Final[dict[str, tuple[str | None, str | None]]] = {
    "": (None, None),
    "require": (None, None),
    "request.invalid": (None, None),
    "request.too_large": (None, "request_too_large"),
    "auth.missing": (None, None),
    "auth.invalid": (None, "invalid_api_key"),
    "auth.expired": (None, "invalid_api_key"),
    "limit.exceeded": ("requests", "rate_limit_exceeded"),
    "budget.exhausted": ("insufficient_quota", "insufficient_quota"),
}


def fields(status: int, message: str, kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under `error`."""
    word, code = CODES.get(kind, (None, kind.replace(".", "_")))
    return {
        "message": message,
        "type": word or TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error"),
        "param": record.get("where"),
        "code": record.get("code", code),
    }


def error(status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
    """An answer with an error."""
    return Response(status, [_JSON], msgspec.json.encode({"error": fields(status, message, kind, record)}))


def broken_off(message: str, kind: str) -> bytes:
    """An error in mid-stream; OpenAI's clients raise APIError for it."""
    return render_event(msgspec.json.encode({"error": fields(502, message, kind, {})}))
