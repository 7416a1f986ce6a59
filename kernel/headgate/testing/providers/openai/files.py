"""Files and batches: https://platform.openai.com/docs/api-reference/files, https://platform.openai.com/docs/api-reference/batch.

A file is kept by the key that sent it, and nobody else finds it. A batch is complete when it is asked for again.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from openai.types import Batch, BatchCreateParams, FileDeleted, FileObject

from headgate.testing.providers.asking import Asked, Reply, Turn, refuse
from headgate.testing.providers.forms import Upload
from headgate.testing.providers.frames import compact
from headgate.testing.providers.openai.refusing import checked
from headgate.testing.providers.says import Tokens
from headgate.testing.providers.strict import conforms

PURPOSES = frozenset({"assistants", "batch", "fine-tune", "vision", "user_data", "evals"})


@dataclass
class Shelf:
    """What was sent: objects with their owner and, of files, their bytes."""

    files: dict[str, tuple[str, dict[str, Any], bytes]] = field(default_factory=dict)
    batches: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def file(self, asked: Asked) -> tuple[dict[str, Any], bytes]:
        """The file that a path names. Refused where its owner is another."""
        name = asked.path.rpartition("/files/")[2].partition("/")[0]
        owner, said, data = self.files.get(name, ("", {}, b""))
        if owner != owner_of(asked):
            raise refuse(f"No such File object: {name}", "model", param="id")
        return said, data

    def batch(self, asked: Asked) -> dict[str, Any]:
        """The batch that a path names. Refused as above."""
        name = asked.path.rpartition("/batches/")[2].partition("/")[0]
        owner, said = self.batches.get(name, ("", {}))
        if owner != owner_of(asked):
            raise refuse(f"No batch found with id '{name}'.", "model")
        return said


def owner_of(asked: Asked) -> str:
    """Whose things a request sees."""
    return asked.header("authorization")


@dataclass
class _On:
    shelf: Shelf

    def check(self, asked: Asked) -> None:
        """Nothing is sent with it."""


class FileUpload(_On):
    """POST /files."""

    method = "POST"
    pattern = re.compile("/files")

    def check(self, asked: Asked) -> None:
        body = asked.body if isinstance(asked.body, dict) else {}
        if not isinstance(body.get("file"), Upload):
            raise refuse("'file' is a required property", param="file")
        if body.get("purpose") not in PURPOSES:
            raise refuse(f"'{body.get('purpose')}' is not one of {sorted(PURPOSES)}", param="purpose")

    def reply(self, turn: Turn) -> Reply:
        upload: Upload = turn.asked.body["file"]
        said = {
            "id": f"file-{turn.number}", "object": "file", "bytes": len(upload.data), "created_at": int(time.time()),
            "filename": upload.name, "purpose": turn.asked.body["purpose"], "status": "processed",
        }  # fmt: skip
        conforms(said, FileObject)
        self.shelf.files[f"file-{turn.number}"] = (owner_of(turn.asked), said, upload.data)
        return Reply(compact(said), costs=Tokens())


class FileList(_On):
    """GET /files."""

    method = "GET"
    pattern = re.compile("/files")

    def reply(self, turn: Turn) -> Reply:
        mine = [said for owner, said, _ in self.shelf.files.values() if owner == owner_of(turn.asked)]
        return Reply(compact({"object": "list", "data": mine, "has_more": False}), costs=Tokens())


class FileLookup(_On):
    """GET /files/{id}, and its content."""

    method = "GET"
    pattern = re.compile("/files/[^/]+(/content)?")

    def check(self, asked: Asked) -> None:
        self.shelf.file(asked)

    def reply(self, turn: Turn) -> Reply:
        said, data = self.shelf.file(turn.asked)
        if turn.asked.path.endswith("/content"):
            return Reply(data, content_type="application/octet-stream", costs=Tokens())
        return Reply(compact(said), costs=Tokens())


class FileDelete(_On):
    """DELETE /files/{id}."""

    method = "DELETE"
    pattern = re.compile("/files/[^/]+")

    def check(self, asked: Asked) -> None:
        self.shelf.file(asked)

    def reply(self, turn: Turn) -> Reply:
        said, _ = self.shelf.file(turn.asked)
        del self.shelf.files[said["id"]]
        gone = {"id": said["id"], "object": "file", "deleted": True}
        conforms(gone, FileDeleted)
        return Reply(compact(gone), costs=Tokens())


class BatchCreate(_On):
    """POST /batches."""

    method = "POST"
    pattern = re.compile("/batches")

    def check(self, asked: Asked) -> None:
        body = checked(asked, BatchCreateParams)
        if body["input_file_id"] not in self.shelf.files:
            raise refuse(f"Invalid input file ID {body['input_file_id']}", param="input_file_id")

    def reply(self, turn: Turn) -> Reply:
        body = turn.asked.body
        said = {
            "id": f"batch_{turn.number}", "object": "batch", "endpoint": body["endpoint"], "status": "validating",
            "input_file_id": body["input_file_id"], "completion_window": body["completion_window"],
            "created_at": int(time.time()),
        }  # fmt: skip
        conforms(said, Batch)
        self.shelf.batches[f"batch_{turn.number}"] = (owner_of(turn.asked), said)
        return Reply(compact(said), costs=Tokens())


class BatchLookup(_On):
    """GET /batches/{id}."""

    method = "GET"
    pattern = re.compile("/batches/[^/]+")

    def check(self, asked: Asked) -> None:
        self.shelf.batch(asked)

    def reply(self, turn: Turn) -> Reply:
        said = {**self.shelf.batch(turn.asked), "status": "completed"}
        conforms(said, Batch)
        return Reply(compact(said), costs=Tokens())


def files_and_batches() -> list[Any]:
    """All of them, on one shelf."""
    shelf = Shelf()
    return [
        kind(shelf) for kind in (FileUpload, FileList, FileLookup, FileDelete, BatchCreate, BatchLookup)
    ]  # fmt: skip
