"""Uploads: the fields of multipart/form-data (RFC 7578), files among them."""

from __future__ import annotations

import email.parser
import email.policy
from dataclasses import dataclass
from typing import Any

from headgate.message.headers import Headers


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a form."""

    name: str
    content_type: str
    data: bytes


def form_of(headers: Headers, body: bytes) -> dict[str, Any] | None:
    """The fields of a form; `name[]` makes a list, a file an Upload. None where the body is none."""
    kind = headers.get(b"content-type") or b""
    if not kind.startswith(b"multipart/form-data"):
        return None
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"Content-Type: " + kind + b"\r\n\r\n" + body
    )
    fields: dict[str, Any] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = str(part.get_param("name", "", "content-disposition"))
        data = part.get_payload(decode=True)
        value: Any = data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
        if (file := part.get_filename()) is not None:
            value = Upload(file, part.get_content_type(), data if isinstance(data, bytes) else b"")
        if name.endswith("[]"):
            fields.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            fields[name] = value
    return fields
