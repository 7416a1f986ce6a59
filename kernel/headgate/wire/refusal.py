"""What the lane refuses by itself: bytes that never become a `Request`.

1. A refusal has a status and a sentence that names the rule and its section. The connection closes after it:
   after a malformed message nobody knows where the next one begins (RFC 9112 §2.2, §6.3).
2. `explain` is the cold half of the parser: httptools said no, and this finds out which rule was broken.
"""

from __future__ import annotations

import json
import re

from headgate.message.headers import Line
from headgate.message.reasons import title


class Refusal(Exception):
    """Bytes that are not a request we take. `method`, `target` and `version` are set where they were readable."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.id = ""
        self.method: str | None = None
        self.target: bytes | None = None
        self.version: str | None = None

    def __repr__(self) -> str:
        return f"<Refusal {self.status}: {self.detail}>"


def problem(status: int, detail: str, request_id: str) -> tuple[list[Line], bytes]:
    """Header lines and body of an RFC 9457 problem."""
    record = {
        "type": "about:blank",
        "title": title(status),
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{request_id}",
    }
    lines = [(b"content-type", b"application/problem+json"), (b"x-request-id", request_id.encode("ascii"))]
    return lines, json.dumps(record, ensure_ascii=False).encode()


_RULES = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (rb"\0", "A NUL byte stands in the head (RFC 9110 §5.5)."),
        (rb"(?<!\r)\n", "A line of the head ends with LF alone (RFC 9112 §2.2)."),
        (rb"\r(?!\n)", "A CR stands in the head without its LF (RFC 9112 §2.2)."),
        (rb"\A[^\r]*\r\n[ \t]", "White space stands between the request line and the first header (RFC 9112 §2.2)."),
        (rb"\r\n[ \t]", "A header line is folded (RFC 9112 §5.2)."),
        (rb"\r\n[^:\r\n]*[ \t]:", "White space stands before the colon of a header line (RFC 9112 §5.1)."),
        (
            rb"(?is)\r\ncontent-length:.*\r\ntransfer-encoding:|\r\ntransfer-encoding:.*\r\ncontent-length:",
            "Content-Length and Transfer-Encoding stand in one head (RFC 9112 §6.1).",
        ),
        (rb"(?is)\r\ncontent-length:.*\r\ncontent-length:", "Content-Length is repeated (RFC 9112 §6.3)."),
        (rb"(?i)\r\ncontent-length:(?![ \t]*[0-9]+[ \t]*\r)", "Content-Length is not a number (RFC 9112 §6.3)."),
        (rb"(?i)\r\ncontent-length:[ \t]*[0-9]{16}", "Content-Length is out of range (RFC 9110 §8.6)."),
        (rb"(?i)\r\ntransfer-encoding:", "Transfer-Encoding does not end with chunked, once (RFC 9112 §6.3)."),
        (
            rb"\r\n[^:\r\n]+:[^\r\n]*[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
            "A header value has a control character (RFC 9110 §5.5).",
        ),
        (rb"", "A header line is not a name, a colon and a value (RFC 9112 §5)."),
    )
)


def explain(head: bytes) -> str:
    """The sentence for the first rule that a refused head breaks."""
    return next(sentence for pattern, sentence in _RULES if pattern.search(head))
