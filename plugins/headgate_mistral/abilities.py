"""What can be said to Mistral, by feature; a reason where it cannot be."""

from __future__ import annotations

from typing import Final

_CHAT: Final = "https://docs.mistral.ai/api/#tag/chat/operation/chat_completion"

ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": "",
    "images (data)": "",
    "audio in": "",
    "audio out": f"an answer is never sound: {_CHAT}",
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
    "citations": f"an answer refers to numbers, not to addresses: {_CHAT}",
    "refusals": f"there is no such field; what is declined is text: {_CHAT}",
    "logprobs": "",
    "n": "",
    "stop sequences": "",
    "seed": "",
    "top_k": "",
    "penalties": "",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": "a call comes whole, in one chunk: https://docs.mistral.ai/capabilities/function_calling",
    "errors in mid-stream": "",
    "metadata/user": "",
}

# What a client of this dialect cannot ask for, or has no place for in an answer.
LACKS: Final[dict[str, str]] = {
    "cached tokens": f"counts have no field for it: {_CHAT}",
}
