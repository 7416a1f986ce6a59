"""multipart/form-data (RFC 7578), read strictly, and written.

1. What two readers could take for two things is refused: a boundary that is not at the start, a name given twice, a
   file name in two forms, an encoding of a part. So what was checked here is what a provider reads.
2. Everything is bounded: the number of parts, the size of their heads, the length of names. The size of the whole is
   the business of whoever read it.
3. `name[]` may be given several times; every other name once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Final, NamedTuple

from headgate.message.strict_json import NotStrict

_MOST_PARTS: Final = 64
# The head of a part: three lines at most matter, and no client writes more than some hundred bytes.
_HEAD_BYTES: Final = 4096
# RFC 2046 §5.1.1
_BOUNDARY: Final = re.compile(
    r"""multipart/form-data\s*;\s*boundary=("?)([0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?])\1\s*""",
    re.IGNORECASE,
)
_DISPOSITION: Final = re.compile(r"form-data((?:\s*;\s*[a-z]+=(?:\"(?:[^\"\\]|\\.)*\"|[^\";\s]+))+)\s*", re.IGNORECASE)
_PARAM: Final = re.compile(r";\s*([a-z]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\";\s]+))", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_CODINGS: Final = frozenset({"7bit", "8bit", "binary"})


class FormPart(NamedTuple):
    """One field; a file where it has a `filename`."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        """The value of a field. NotStrict where it is not UTF-8."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            raise NotStrict(f"`{self.name}` is not valid UTF-8.", self.name) from None


def read_form(data: bytes, content_type: str) -> list[FormPart]:
    """The parts of a form, in their order. NotStrict."""
    match = _BOUNDARY.fullmatch(content_type.strip())
    if match is None:
        raise NotStrict(
            "The body has to be multipart/form-data, and its content-type to name the boundary and no more."
        )
    mark = b"--" + match[2].encode()
    if not data.startswith(mark + b"\r\n"):
        raise NotStrict("The body has to begin with its boundary.")
    pieces = (b"\r\n" + data).split(b"\r\n" + mark)
    if len(pieces) - 2 > _MOST_PARTS:
        raise NotStrict(f"The form has more than {_MOST_PARTS} parts.")
    if pieces[-1] not in (b"--", b"--\r\n"):
        raise NotStrict("The form does not end with its boundary.")
    parts = [_part(piece) for piece in pieces[1:-1]]
    _once(parts)
    return parts


def write_form(parts: Iterable[FormPart], boundary: str | None = None) -> tuple[bytes, bytes]:
    """A body, and its content type."""
    mark = boundary or secrets.token_hex(16)
    pieces = [b"--%b\r\n%b\r\n\r\n%b\r\n" % (mark.encode(), _head(part), part.data) for part in parts]
    return b"".join(pieces) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}".encode()


def _part(piece: bytes) -> FormPart:
    head, blank, data = piece.partition(b"\r\n\r\n")
    if not blank or not head.startswith(b"\r\n") or len(head) > _HEAD_BYTES:
        raise NotStrict("A part of the form has no head, or one that is too long.")
    lines: dict[str, str] = {}
    for line in head[2:].split(b"\r\n"):
        name, colon, value = _decoded(line).partition(":")
        if not colon or name.lower() in lines:
            raise NotStrict("A part of the form has a line that is no header line, or one twice.")
        lines[name.lower()] = value.strip()
    if lines.get("content-transfer-encoding", "binary").lower() not in _PLAIN_CODINGS:
        raise NotStrict("A part of the form is encoded; send it as it is.")
    said = _disposition(lines.get("content-disposition", ""))
    return FormPart(said["name"], data, said.get("filename"), lines.get("content-type"))


def _disposition(value: str) -> dict[str, str]:
    match = _DISPOSITION.fullmatch(value)
    found = _PARAM.findall(match[1]) if match is not None else []
    said = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in found}
    if len(said) != len(found) or not said.get("name") or not said.keys() <= {"name", "filename"}:
        raise NotStrict('Each part of the form needs a line `content-disposition: form-data; name="…"`.')
    return said


def _decoded(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise NotStrict("The head of a part of the form is not valid UTF-8.") from None
    if _CONTROL.search(text):
        raise NotStrict("The head of a part of the form holds a control character.")
    return text


def _once(parts: list[FormPart]) -> None:
    seen: set[str] = set()
    for part in parts:
        if part.name in seen and not part.name.endswith("[]"):
            raise NotStrict(f"The field `{part.name}` is given twice; give it once.", part.name)
        seen.add(part.name)


def _head(part: FormPart) -> bytes:
    said = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
    if part.filename is not None:
        said += f'; filename="{_quoted(part.filename)}"'
    if part.content_type is not None:
        said += f"\r\nContent-Type: {_CONTROL.sub('', part.content_type)}"
    return said.encode()


def _quoted(value: str) -> str:
    """As browsers do (https://html.spec.whatwg.org/#multipart-form-data): no backslashes, no line ends."""
    return value.replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
