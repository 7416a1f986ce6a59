"""Errors as Google's clients parse them: `{"error": {code, message, status, details}}`.

https://ai.google.dev/gemini-api/docs/troubleshooting, and https://cloud.google.com/apis/design/errors for the details.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import Response, render_event
from headgate.api.ai import KeyState, Refusal

_JSON: Final = (b"content-type", b"application/json; charset=UTF-8")
STATUS: Final = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "FAILED_PRECONDITION", 403: "PERMISSION_DENIED",
    404: "NOT_FOUND", 409: "ABORTED", 413: "INVALID_ARGUMENT", 415: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNAVAILABLE",
    503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip


# Reasons that are about the key and its project, and not about the request:
# https://docs.cloud.google.com/apis/docs/error-reasons (google.api.ErrorReason). `PERMISSION_DENIED` alone may be about a
# file that the request names.
_KEYS: Final[dict[str, KeyState]] = {
    **dict.fromkeys((
        "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_ANDROID_APP_BLOCKED", "API_KEY_IOS_APP_BLOCKED", "SERVICE_DISABLED", "CONSUMER_SUSPENDED",
        "CONSUMER_INVALID", "USER_PROJECT_DENIED", "ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED", "ACCOUNT_STATE_INVALID", "CREDENTIALS_MISSING",
    ), "invalid"),
    "BILLING_DISABLED": "out of credit",
    "RATE_LIMIT_EXCEEDED": "limited", "RESOURCE_QUOTA_EXCEEDED": "limited",
}  # fmt: skip
# https://ai.google.dev/gemini-api/docs/troubleshooting: what has no reason.
_SENTENCES: Final[dict[str, KeyState]] = {
    "API key not valid": "invalid",
    "API key expired": "invalid",
    "Your API key was reported as leaked": "invalid",
    "Gemini API free tier is not available in your country": "out of credit",
    "Your prepayment credits are depleted": "out of credit",
}


class WireError(msgspec.Struct):
    """What stands under `error`."""

    message: str = ""
    status: str | None = None
    code: int | None = None
    details: list[dict[str, Any]] = []


class _Body(msgspec.Struct):
    error: WireError


_bodies: msgspec.json.Decoder[_Body | list[_Body]] = msgspec.json.Decoder(_Body | list[_Body])


def fields(status: int, message: str, kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under `error`."""
    word = STATUS.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    details: list[dict[str, Any]] = []
    reason = record.get("code") or kind.replace(".", "_").upper()
    if reason:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": str(reason), "domain": "headgate"}
        details.append(info)
    if record.get("where"):
        violation = {"field": str(record["where"]), "description": message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    return {"code": status, "message": message, "status": word} | ({"details": details} if details else {})


def error(status: int, message: str, kind: str, record: Mapping[str, Any]) -> Response:
    """An answer with an error."""
    return Response(status, [_JSON], msgspec.json.encode({"error": fields(status, message, kind, record)}))


def broken_off(message: str, kind: str) -> bytes:
    """An error in mid-stream."""
    return render_event(msgspec.json.encode({"error": fields(502, message, kind, {})}))


def wire_error(data: bytes) -> WireError | None:
    """The error in a body, which comes in a list where a stream without `alt=sse` was asked for."""
    try:
        body = _bodies.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(body, list):
        return body[0].error if body else None
    return body.error


def refusal(data: bytes) -> Refusal | None:
    """What an error says."""
    said = wire_error(data)
    return None if said is None else Refusal(said.message, said_fields(said), _key(said))


def _key(said: WireError) -> KeyState | None:
    reasons = (_KEYS.get(str(detail.get("reason"))) for detail in said.details)
    sentences = (state for start, state in _SENTENCES.items() if said.message.startswith(start))
    return next(filter(None, (*reasons, *sentences)), None)


def said_fields(said: WireError) -> dict[str, Any]:
    """The field that an error is about, its code (the reason where Google gives one, else the status), and the seconds to
    wait, which stand in no header."""
    found: dict[str, Any] = {}
    for detail in said.details:
        for violation in detail.get("fieldViolations") or ():
            if violation.get("field"):
                found.setdefault("where", violation["field"])
        if (wait := _seconds(detail.get("retryDelay"))) is not None:
            found["retry_after_s"] = wait
        if isinstance(detail.get("reason"), str):
            found.setdefault("code", detail["reason"])
    if said.status:
        found.setdefault("code", said.status)
    return found


def _seconds(delay: object) -> int | None:
    """A duration as Google writes it, `3.5s`, in whole seconds."""
    if not isinstance(delay, str) or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?s", delay):
        return None
    return math.ceil(float(delay[:-1]))
