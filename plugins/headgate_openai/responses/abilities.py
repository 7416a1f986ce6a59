"""What can be said to a provider in this dialect, by feature; a reason where it cannot be."""

from __future__ import annotations

from typing import Final

_PAGE: Final = "https://platform.openai.com/docs/api-reference/responses/create"

ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": "",
    "images (data)": "",
    "audio in": f"a message holds texts, images and files: {_PAGE}#responses-create-input",
    "audio out": f"an answer is never sound: {_PAGE}",
    "files (data)": "",
    "files (url)": "",
    "files (id)": "",
    "tools": "",
    "tool choice": "",
    "parallel tools": "",
    "tool results": "",
    "tool result images": "",
    "structured output": "",
    "JSON mode": "",
    "reasoning": "",
    "reasoning signatures": "",
    "citations": "",
    "refusals": "",
    "logprobs": "",
    "n": f"there is one answer: {_PAGE}",
    "stop sequences": f"there is no such parameter: {_PAGE}",
    "seed": f"there is no such parameter: {_PAGE}",
    "top_k": f"there is no such parameter: {_PAGE}",
    "penalties": f"there are no such parameters: {_PAGE}",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": "",
    "errors in mid-stream": "",
    "metadata/user": "",
}

# What a client of this dialect cannot ask for, or has no place for in an answer.
LACKS: Final[dict[str, str]] = {
    "stop sequences": f"there is no such parameter: {_PAGE}",
    "seed": f"there is no such parameter: {_PAGE}",
    "top_k": f"there is no such parameter: {_PAGE}",
    "penalties": f"there are no such parameters: {_PAGE}",
}
