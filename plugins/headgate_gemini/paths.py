"""Where a chat is sent: the model and whether it streams stand in the path.

https://ai.google.dev/api/generate-content, and for Vertex AI
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from headgate.api import NotStrict
from headgate.api.ai import Unsupported

_PATH = re.compile(r".*?/(?P<model>[^/:]+/[^/:]+):(?P<method>generateContent|streamGenerateContent|countTokens)")
# What a model's name may begin with where it is more than a name.
_COLLECTIONS: Final = ("models/", "tunedModels/", "projects/", "publishers/", "endpoints/")
# Where chats are sent, or anything else that a model of Google's does: `…/models/M:method`, `…/models/{call}`.
_OURS = re.compile(r".*/(?:models|tunedModels)/(?:[^/]*:(?!embedContent|batchEmbedContents)[^/]*|\{[^/}]*\})")


def ours(path: str) -> bool:
    """Whether a path, of a request or of a route, is one of Google's for a model."""
    return _OURS.fullmatch(path.replace("%3A", ":").replace("%3a", ":")) is not None


def split(path: str) -> tuple[str, str] | None:
    """The model and the method that a client's path names, or None for a path of something else."""
    match = _PATH.fullmatch(path.replace("%3A", ":").replace("%3a", ":"))
    if match is None:
        return None
    return unquote(match["model"]).removeprefix("models/"), match["method"]


def needed(path: str) -> tuple[str, str]:
    """As `split`, for a path that has to be one. NotStrict."""
    found = split(path)
    if found is None:
        raise NotStrict("The path has to be …/models/{model}:generateContent, with the name of a model.", "model")
    return found


def resource(model: str, options: Mapping[str, Any]) -> str:
    """The model's name as the provider has it: Vertex AI names a project and a location, AI Studio the model alone."""
    project = options.get("project")
    named = model if model.startswith(_COLLECTIONS) else f"models/{model}"
    if not project or named.startswith("projects/"):
        return named
    home = f"projects/{project}/locations/{options.get('location') or 'global'}"
    if named.startswith("models/"):
        named = f"publishers/{options.get('publisher') or 'google'}/{named}"
    return f"{home}/{named}"


def written(model: str, method: str, options: Mapping[str, Any], *, events: bool = True) -> bytes:
    """The path behind the provider's URL, which ends with the version: `…/v1beta`, for Vertex AI `…/v1`. Unsupported for
    what would be another path than that of a model."""
    if {"", ".", ".."} & {*model.split("/")}:
        raise Unsupported(f"Google has no model `{model}`.", "model")
    query = "?alt=sse" if method == "streamGenerateContent" and events else ""
    return f"/{quote(resource(model, options), safe='/@-._~')}:{method}{query}".encode()
