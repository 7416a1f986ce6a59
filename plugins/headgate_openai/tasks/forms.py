"""Requests that are forms: the fields of multipart/form-data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from headgate.api import FormPart, NotStrict, read_form, write_form
from headgate.api.ai import Endpoint, Job, Sent, Upload, Written

_UNKNOWN: Final = "application/octet-stream"


class Form:
    """What a client sent, by the names of the fields."""

    def __init__(self, sent: Sent) -> None:
        self._parts = read_form(sent.data, sent.content_type)

    def __repr__(self) -> str:
        return f"<Form {', '.join(part.name for part in self._parts)}>"

    def text(self, name: str) -> str | None:
        """A field; None where it is not there, or empty. NotStrict."""
        found = next((part for part in self._parts if part.name == name), None)
        if found is not None and found.filename is not None:
            raise NotStrict(f"`{name}` has to be a text, not a file.", name)
        return (found.text or None) if found is not None else None

    def number(self, name: str) -> float | None:
        """A number, if it is there. NotStrict."""
        said = self.text(name)
        try:
            return None if said is None else float(said)
        except ValueError:
            raise NotStrict(f"`{name}` has to be a number.", name) from None

    def flag(self, name: str) -> bool:
        """true or false; false where it is not there. NotStrict."""
        said = self.text(name)
        if said not in (None, "true", "false"):
            raise NotStrict(f"`{name}` has to be true or false.", name)
        return said == "true"

    def files(self, name: str) -> list[Upload]:
        """The files of this name, or of `name[]`."""
        return [
            Upload(part.filename, part.content_type or _UNKNOWN, part.data)
            for part in self._parts
            if part.name in (name, f"{name}[]") and part.filename is not None
        ]

    def file(self, name: str) -> Upload:
        """One file, which has to be there. NotStrict."""
        files = self.files(name)
        if len(files) != 1 or not files[0].data:
            raise NotStrict(f"`{name}` has to be a file that is not empty.", name)
        return files[0]

    def rest(self, known: frozenset[str]) -> dict[str, list[str]]:
        """The fields that have no place of their own."""
        left: dict[str, list[str]] = {}
        for part in self._parts:
            if part.filename is None and part.name not in known:
                left.setdefault(part.name, []).append(part.text)
        return left


def passed(job: Job, to: Endpoint, path: bytes) -> Written:
    """The client's own form, with the model's name."""
    sent = job.sent()
    if job.asked() == to.model:
        return Written(path, sent.data, [(b"content-type", sent.content_type.encode())])
    model = FormPart("model", to.model.encode())
    parts = [part for part in read_form(sent.data, sent.content_type) if part.name != "model"]
    return _written(path, [model, *parts])


def written(
    path: bytes, fields: Mapping[str, object], files: Sequence[tuple[str, Upload]], dropped: list[str]
) -> Written:
    """A form of these fields, without those that are None; a list is several of one name."""
    parts: list[FormPart] = []
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [] if value is None else [value]:
            said = str(one).lower() if isinstance(one, bool) else str(one)
            parts.append(FormPart(name, said.encode()))
    parts += [FormPart(name, file.data, file.name, file.mime) for name, file in files]
    return _written(path, parts)._replace(dropped=dropped)


def _written(path: bytes, parts: Sequence[FormPart]) -> Written:
    body, kind = write_form(parts)
    return Written(path, body, [(b"content-type", kind)])
