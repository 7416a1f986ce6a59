"""What passes, by feature: nothing where it passes, else why it cannot, with the page that says so."""

from __future__ import annotations

from typing import Final

_API: Final = "https://docs.aws.amazon.com/bedrock/latest/APIReference"
_SETTINGS: Final = f"{_API}/API_runtime_InferenceConfiguration.html"
ABILITIES: Final[dict[str, str]] = {
    "text": "",
    "system": "",
    "developer": "",
    "images (url)": f"Only bytes or a place in S3: {_API}/API_runtime_ImageSource.html",
    "images (data)": "",
    "audio in": "",
    "audio out": f"An answer has no block for sound that is asked for: {_API}/API_runtime_Converse.html",
    "files (data)": "",
    "files (url)": f"Only bytes or a place in S3: {_API}/API_runtime_DocumentSource.html",
    "files (id)": f"Only bytes or a place in S3: {_API}/API_runtime_DocumentSource.html",
    "tools": "",
    "tool choice": "",
    "parallel tools": f"There is no setting against it: {_API}/API_runtime_ToolChoice.html",
    "tool results": "",
    "tool result images": "",
    "structured output": "",
    "JSON mode": f"Only with a schema: {_API}/API_runtime_OutputFormat.html",
    "reasoning": "",
    "reasoning signatures": "",
    "citations": "",
    "refusals": f"A refusal is a text or a reason to stop: {_API}/API_runtime_Converse.html",
    "logprobs": f"There is no field for it: {_SETTINGS}",
    "n": f"An answer has one message: {_API}/API_runtime_ConverseOutput.html",
    "stop sequences": "",
    "seed": f"There is no field for it: {_SETTINGS}",
    "top_k": "",
    "penalties": f"There is no field for it: {_SETTINGS}",
    "cached tokens": "",
    "streaming": "",
    "streamed tool arguments": "",
    "errors in mid-stream": "",
    "metadata/user": "",
}
