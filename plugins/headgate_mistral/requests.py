"""A request of the dialect below, as Mistral wants it: https://docs.mistral.ai/api/#tag/chat/operation/chat_completion.

1. `seed` is `random_seed`, `required` is `any`, sound is its base64, a file with its data is a document.
2. A message that the model shall go on with says so (`prefix`); a refusal is what the model said.
3. Earlier thoughts are a chunk of the content, for models that think; for others they are left out, and named.
4. What OpenAI has and Mistral does not know is left out, and named: Mistral refuses what it does not know. What neither
   of them is known to have passes: the client means it.
"""

from __future__ import annotations

from typing import Any, Final

from headgate.api.ai import Dropped, Unsupported
from headgate_mistral.documents import MARK
from headgate_mistral.idents import Idents

_OPENAIS: Final = (
    "user", "service_tier", "store", "logit_bias", "modalities", "audio", "verbosity", "safety_identifier",
    "prompt_cache_key", "prompt_cache_retention", "web_search_options",
)  # fmt: skip
_NOTHING: Final[dict[str, Any]] = {"type": "object", "properties": {}}


def translate(body: dict[str, Any], dropped: Dropped, *, thinks: bool) -> dict[str, Any]:
    """The whole body. Unsupported."""
    body.pop("stream_options", None)
    for name in _OPENAIS:
        dropped.drop(name, body.pop(name, None) or None)
    if body.get("functions") or body.get("function_call"):
        raise Unsupported("Functions have to be given as tools: `functions` is not known to Mistral.", "functions")
    if "seed" in body:
        body["random_seed"] = body.pop("seed")
    if body.get("tool_choice") == "required":
        body["tool_choice"] = "any"
    for tool in body.get("tools") or ():
        if isinstance(tool.get("function"), dict):
            tool["function"].setdefault("parameters", _NOTHING)
    idents = Idents()
    body["messages"] = [_message(message, idents, dropped, thinks=thinks) for message in body["messages"]]
    last = body["messages"][-1] if body["messages"] else {}
    if last.get("role") == "assistant" and not last.get("tool_calls"):
        last["prefix"] = True
    return body


def _message(message: dict[str, Any], idents: Idents, dropped: Dropped, *, thinks: bool) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        message["content"] = [_part(part) for part in content]
    answered = message.get("tool_call_id")
    if isinstance(answered, str) and answered:
        message["tool_call_id"] = idents(answered)
    elif message["role"] != "tool":
        dropped.drop("messages.name", message.pop("name", None))
    if message["role"] == "assistant":
        _assistant(message, idents, dropped, thinks=thinks)
    return message


def _assistant(message: dict[str, Any], idents: Idents, dropped: Dropped, *, thinks: bool) -> None:
    for call in message.get("tool_calls") or ():
        if isinstance(call.get("id"), str) and call["id"]:
            call["id"] = idents(call["id"])
    for name in ("audio", "annotations"):
        dropped.drop(f"messages.{name}", message.pop(name, None))
    refused = message.pop("refusal", None)
    if refused and not message.get("content"):
        message["content"] = refused
    thoughts = _thoughts(message)
    if thoughts and thinks:
        message["content"] = [*thoughts, *_chunks(message.get("content"))]
    elif thoughts:
        dropped.drop("reasoning", thoughts)


def _thoughts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """What the model thought, by the names that clients of the dialect below carry it under, as chunks."""
    details = message.pop("reasoning_details", None)
    words = [message.pop(name, None) for name in ("reasoning_content", "reasoning")]
    if isinstance(details, list) and any(isinstance(one, dict) and one.get("text") for one in details):
        return [_thought(one["text"], _proof(one)) for one in details if one.get("text")]
    # In a stream the words came by themselves, and the proof behind them.
    proofs = [_proof(one) for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    proof = next((one for one in proofs if one is not None), None)
    return [_thought(word, proof) for word in words if isinstance(word, str) and word][:1]


def _proof(detail: dict[str, Any]) -> str | None:
    """Another provider's would be refused."""
    return detail.get("signature") if detail.get("format") in ("mistral", None) else None


def _thought(text: str, signature: str | None) -> dict[str, Any]:
    chunk: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
    return chunk if signature is None else {**chunk, "signature": signature}


def _chunks(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _part(part: dict[str, Any]) -> dict[str, Any]:
    match part.get("type"):
        case "image_url":
            return _picture(part)
        case "input_audio" if isinstance(part.get("input_audio"), dict):
            return {"type": "input_audio", "input_audio": part["input_audio"]["data"]}
        case "file" if isinstance(part.get("file"), dict):
            return _file(part["file"])
        case "refusal":
            return {"type": "text", "text": part["refusal"]}
    return part


def _picture(part: dict[str, Any]) -> dict[str, Any]:
    image = part["image_url"]
    if not isinstance(image, dict):
        return part
    size = str(image.get("detail") or "")
    if size.startswith(MARK):
        return _document(image["url"], size.removeprefix(MARK))
    return {**part, "image_url": image if size else image["url"]}


def _file(file: dict[str, Any]) -> dict[str, Any]:
    if file.get("file_id"):
        return {"type": "file", "file_id": file["file_id"]}
    return _document(file["file_data"], file.get("filename") or "")


def _document(url: str, name: str) -> dict[str, Any]:
    return {"type": "document_url", "document_url": url, **({"document_name": name} if name else {})}
