"""What every client can be made to ask, and what every client can be made to say it has heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Four pixels, whose base64 has the signs that are others in the alphabet for addresses.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP41LnZ8zArw/7vPa9LGAAzeAbhd4/+UAAAAABJRU5ErkJggg=="
)  # fmt: skip
PDF = "JVBERi0xLjQKJSVFT0YK"
IMAGE_URL = "https://pictures.test/red.png"


@dataclass(frozen=True, slots=True)
class User:
    """Words of the user, with a picture or a document."""

    text: str
    image: bool = False
    image_url: bool = False
    file: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A call that a client has heard."""

    id: str
    name: str
    arguments: Any


@dataclass(slots=True)
class Heard:
    """An answer. `native` is what the client's own program would send back as the turn of the assistant."""

    text: str = ""
    thoughts: str = ""
    calls: list[Called] = field(default_factory=list)
    stop: str | None = None
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    native: Any = None
    # How many pieces of text, and of arguments, came one after the other.
    pieces: int = 0
    fragments: int = 0


@dataclass(frozen=True, slots=True)
class Results:
    """What the tools gave for the calls of an answer, by their names."""

    of: Heard
    texts: tuple[str, ...]

    def pairs(self) -> list[tuple[Called, str]]:
        return list(zip(self.of.calls, self.texts, strict=True))


Turn = User | Heard | Results


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, in no dialect."""

    turns: tuple[Turn, ...] = (User("Hi"),)
    system: str = ""
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    json_mode: bool = False
    thinks: bool = False
    must_call: bool = False
    stop: str = ""
    seed: int | None = None
    top_k: int | None = None
    penalty: float | None = None
    temperature: float | None = None
    # A tool of the client's own dialect, which its provider runs itself.
    max_tokens: int = 2048


@dataclass(frozen=True, slots=True)
class Fault:
    """What an SDK raised: the class, the status, and everything that it can show to a person."""

    kind: str
    status: int | None
    message: str
    retry_after: str | None = None


def args(text: str | None) -> Any:
    """The arguments of a call, from JSON."""
    return json.loads(text) if text else {}
