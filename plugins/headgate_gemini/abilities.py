"""What passes, by feature: nothing where it passes, else why it cannot, with the page that says so."""

from __future__ import annotations

from typing import Final

_API = "https://ai.google.dev/api/generate-content"
ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": "",
    "images (data)": "",
    "audio in": "",
    "audio out": "",
    "files (data)": "",
    "files (url)": "",
    "files (id)": "Another provider's files are not Google's: https://ai.google.dev/api/files",
    "tools": "",
    "tool choice": "",
    "parallel tools": f"It is always on; there is no setting against it: {_API}",
    "tool results": "",
    "tool result images": "",
    "structured output": "",
    "JSON mode": "",
    "reasoning": "",
    "reasoning signatures": "",
    "citations": "",
    "refusals": f"A refusal is a text or a reason to finish; there is no part for it: {_API}#FinishReason",
    "logprobs": "",
    "n": "",
    "stop sequences": "",
    "seed": "",
    "top_k": "",
    "penalties": "",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": f"A call comes whole, in one chunk: {_API}#v1beta.FunctionCall",
    "errors in mid-stream": "",
    "metadata/user": f"There is no field for it: {_API}#request-body",
}

# What a client of this dialect cannot ask for, or has no place for in an answer.
LACKS: Final[dict[str, str]] = {
    "streamed tool arguments": f"A call comes whole, in one chunk: {_API}#v1beta.FunctionCall",
}
