"""What Bedrock says with an error: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html.

The body has a message. Which error it is stands in the line `x-amzn-errortype`, in some bodies in `__type` or `code`; in a
stream, in a header of the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from headgate.api import Line
from headgate.api.ai import Failed, KeyState, Refusal
from headgate_bedrock.eventstream import Frame

STATUS: Final = {
    "ValidationException": 400, "AccessDeniedException": 403, "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408, "ModelErrorException": 424, "ModelStreamErrorException": 424,
    "ThrottlingException": 429, "ModelNotReadyException": 429, "InternalServerException": 500,
    "ServiceUnavailableException": 503, "ServiceQuotaExceededException": 400,
}  # fmt: skip


# https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html: what is about the credential alone.
_KEYS: Final[dict[str, KeyState]] = {
    **dict.fromkeys((
        "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "IncompleteSignature",
        "IncompleteSignatureException", "ExpiredTokenException", "ExpiredToken", "MissingAuthenticationTokenException",
        "MissingAuthenticationToken", "NotAuthorized", "OptInRequired",
    ), "invalid"),
    "ThrottlingException": "limited", "ServiceQuotaExceededException": "limited",
    # The model is still loading, whoever asks.
    "ModelNotReadyException": "ok",
}  # fmt: skip
# An `AccessDeniedException` is about the key where it says so; else it may be about what the request names, say a bucket.
_DENIED: Final = (
    "You don't have access to the model", "Authentication failed", "The security token included in the request",
    "Bearer Token has expired", "Invalid API Key",
)  # fmt: skip


class _Error(msgspec.Struct):
    message: str | None = None
    upper: str | None = msgspec.field(name="Message", default=None)
    type: str | None = msgspec.field(name="__type", default=None)
    code: str | None = None
    originalMessage: str | None = None


_errors = msgspec.json.Decoder(_Error)


def refusal(data: bytes, headers: Iterable[Line] = ()) -> Refusal | None:
    """What an error says; None where the body is none of Bedrock's."""
    try:
        said = _errors.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    message = said.message or said.upper
    if message is None:
        return None
    lines = (value.decode("latin-1") for name, value in headers if name == b"x-amzn-errortype")
    code = next(lines, None) or said.type or said.code
    return Refusal(message, {"code": bare(code)} if code else {}, _key(bare(code or ""), message))


def _key(code: str, message: str) -> KeyState | None:
    if code == "AccessDeniedException" and message.startswith(_DENIED):
        return "invalid"
    return _KEYS.get(code)


def bare(code: str) -> str:
    """`ValidationException` out of `com.amazon#ValidationException:http://…`."""
    return code.partition(":")[0].rpartition("#")[2]


def failed(frame: Frame) -> Failed:
    """An exception, or an error, that came in a stream."""
    if frame.headers.get(":message-type") == "error":
        code = frame.headers.get(":error-code", "")
        return Failed(frame.headers.get(":error-message") or code, {"code": code} if code else {}, 500)
    name = frame.headers.get(":exception-type", "")
    code = name[:1].upper() + name[1:]
    said = refusal(frame.payload)
    fields: dict[str, Any] = {"code": code} if code else {}
    return Failed(said.message if said is not None else code, fields, STATUS.get(code, 500))
