"""What can be said to Cohere in its own dialect, by feature; a reason where it cannot be."""

from __future__ import annotations

from typing import Final

_API: Final = "https://docs.cohere.com/reference/chat"
_NONE: Final = f"there is no such parameter: {_API}"

ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": "",
    "images (data)": "",
    "audio in": f"a message holds text and pictures: {_API}",
    "audio out": f"an answer is text: {_API}",
    "files (data)": "",
    "files (url)": "a document is sent as text: https://docs.cohere.com/docs/retrieval-augmented-generation-rag",
    "files (id)": "a document is sent as text: https://docs.cohere.com/docs/retrieval-augmented-generation-rag",
    "tools": "",
    "tool choice": "",
    "parallel tools": f"they cannot be forbidden: {_API}",
    "tool results": "",
    "tool result images": "",
    "structured output": "",
    "JSON mode": "",
    "reasoning": "",
    "reasoning signatures": "thoughts have none: https://docs.cohere.com/docs/reasoning",
    "citations": "",
    "refusals": "",
    "logprobs": "",
    "n": _NONE,
    "stop sequences": "",
    "seed": "",
    "top_k": "",
    "penalties": "",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": "",
    "errors in mid-stream": "",
    "metadata/user": _NONE,
}

# What a client of this dialect cannot ask for, or has no place for in an answer.
LACKS: Final[dict[str, str]] = {
    "files (data)": "a document is sent as text: https://docs.cohere.com/docs/retrieval-augmented-generation-rag",
    "reasoning signatures": "thoughts have none: https://docs.cohere.com/docs/reasoning",
}
