"""What `ai.forward` sends on: the paths that a provider documents for files and batches, method by method.

1. A path is matched whole, in its canonical form. What stands before is the route's (`/v1`), and ends at the first segment
   that names a collection; so nothing that is not written here reaches a provider, whatever its case, slashes or escapes.
2. Each shape says what it does: `create` something, `list`, or work on `one`; and which collection that is in.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Does = Literal["create", "list", "one", "delete"]

_ID: Final = r"(?P<id>[A-Za-z0-9][A-Za-z0-9_.-]{0,199})"


class Shape(NamedTuple):
    """One documented operation."""

    method: str
    pattern: re.Pattern[str]
    does: Does
    collection: str


class Place(NamedTuple):
    """Where a request goes: the path behind the provider's base, the shape that it has, and the id that it names."""

    path: str
    shape: Shape
    id: str | None


def _shapes(collection: str, *more: tuple[str, str], made: bool = True, gone: bool = True) -> list[Shape]:
    """Make, list, look up and delete, and what else there is to do with one."""
    usual: list[tuple[str, str, Does]] = [("GET", "", "list"), ("GET", "/ID", "one")]
    if made:
        usual.append(("POST", "", "create"))
    if gone:
        usual.append(("DELETE", "/ID", "delete"))
    usual.extend((method, tail, "one") for method, tail in more)
    return [
        Shape(method, re.compile(collection + tail.replace("/ID", f"/{_ID}")), does, collection)
        for method, tail, does in usual
    ]


_UPLOADS: Final = [
    Shape("POST", re.compile("/uploads"), "create", "/uploads"),
    *(
        Shape("POST", re.compile(f"/uploads/{_ID}/{what}"), "one", "/uploads")
        for what in ("parts", "complete", "cancel")
    ),
]
# https://platform.openai.com/docs/api-reference/files, …/batch, …/uploads
_OPENAI: Final = [
    *_shapes("/files", ("GET", "/ID/content")),
    *_shapes("/batches", ("POST", "/ID/cancel"), gone=False),
    *_UPLOADS,
]
SHAPES: Final[dict[str, list[Shape]]] = {
    "openai": _OPENAI,
    "openai-responses": _OPENAI,
    # https://platform.claude.com/docs/en/api/files-list, …/creating-message-batches
    "anthropic": [
        *_shapes("/files", ("GET", "/ID/content")),
        *_shapes("/messages/batches", ("POST", "/ID/cancel"), ("GET", "/ID/results")),
    ],
    # https://ai.google.dev/api/files, …/batch-api; batches are made by a model's own method.
    "gemini": [
        *_shapes("/files", ("GET", "/ID:download")),
        *_shapes("/batches", ("POST", "/ID:cancel"), made=False),
    ],
    # https://docs.mistral.ai/api/endpoint/files, …/batch
    "mistral": [
        *_shapes("/files", ("GET", "/ID/content"), ("GET", "/ID/url")),
        *_shapes("/batch/jobs", ("POST", "/ID/cancel"), gone=False),
    ],
}
BATCHES: Final = frozenset({"/batches", "/messages/batches", "/batch/jobs"})
# Whose batches are made of a file, of which each line is a question.
LINES: Final = frozenset({"openai", "openai-responses", "mistral"})
# A segment with which the provider's part of a path begins.
_FIRST: Final = {name: {one.collection.split("/")[1] for one in shapes} for name, shapes in SHAPES.items()}


def place_of(dialect: str, method: str, path: str) -> Place | None:
    """Where a request goes; None where nothing of the dialect's has that method and path."""
    segments = path.split("/")
    begins = next((at for at, one in enumerate(segments) if one in _FIRST.get(dialect, ())), None)
    if begins is None:
        return None
    rest = "/" + "/".join(segments[begins:])
    for shape in SHAPES[dialect]:
        match = shape.pattern.fullmatch(rest) if shape.method == method else None
        if match is not None:
            return Place(rest, shape, match.groupdict().get("id"))
    return None
