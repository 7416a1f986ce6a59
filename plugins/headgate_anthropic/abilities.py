"""What can be said to Anthropic in its own dialect, by feature; a reason where it cannot be."""

from __future__ import annotations

from typing import Final

_API: Final = "https://platform.claude.com/docs/en/api/messages"
_GUIDES: Final = "https://platform.claude.com/docs/en/build-with-claude"

ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": "",
    "images (data)": "",
    "audio in": f"Claude does not hear sound: {_API}",
    "audio out": f"Claude does not speak: {_API}",
    "files (data)": "",
    "files (url)": "",
    "files (id)": "",
    "tools": "",
    "tool choice": "",
    "parallel tools": "",
    "tool results": "",
    "tool result images": "",
    "structured output": "",
    "JSON mode": f"an output format is a schema: {_GUIDES}/structured-outputs",
    "reasoning": "",
    "reasoning signatures": "",
    "citations": "",
    "refusals": "",
    "logprobs": f"there is no such parameter: {_API}",
    "n": f"there is no such parameter: {_API}",
    "stop sequences": "",
    "seed": f"there is no such parameter: {_API}",
    "top_k": "",
    "penalties": f"there is no such parameter: {_API}",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": "",
    "errors in mid-stream": "",
    "metadata/user": "",
}

# What a client of this dialect cannot ask for, or has no place for in an answer.
LACKS: Final[dict[str, str]] = {
    "JSON mode": f"an output format is a schema: {_GUIDES}/structured-outputs",
    "seed": f"there is no such parameter: {_API}",
    "penalties": f"there is no such parameter: {_API}",
}
