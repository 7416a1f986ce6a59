"""What can be said to a provider in this dialect, by feature; a reason where it cannot be."""

from __future__ import annotations

from typing import Final

_CHAT: Final = "https://platform.openai.com/docs/api-reference/chat/create"

ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": "",
    "images (data)": "",
    "audio in": "",
    "audio out": "",
    "files (data)": "",
    "files (url)": f"a file is its data or an id: {_CHAT}#chat-create-messages",
    "files (id)": "",
    "tools": "",
    "tool choice": "",
    "parallel tools": "",
    "tool results": "",
    "tool result images": "",
    "structured output": "",
    "JSON mode": "",
    "reasoning": "",
    "reasoning signatures": f"a chat has no place for them: {_CHAT}",
    "citations": "",
    "refusals": "",
    "logprobs": "",
    "n": "",
    "stop sequences": "",
    "seed": "",
    "top_k": f"there is no such parameter: {_CHAT}",
    "penalties": "",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": "",
    "errors in mid-stream": "",
    "metadata/user": "",
}

# What a client of this dialect cannot ask for, or has no place for in an answer.
LACKS: Final[dict[str, str]] = {
    "reasoning": f"no word asks for thoughts to be shown; those that come unasked are passed on: {_CHAT}",
    "top_k": f"there is no such parameter: {_CHAT}",
}
