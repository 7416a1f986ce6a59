"""What the Gemini API asks of a request beyond its types.

Sources: https://ai.google.dev/api/generate-content and https://ai.google.dev/api/caching#Content (roles, parts), the
guide to function calling (https://ai.google.dev/gemini-api/docs/function-calling: a response for each call, in the next
turn), and the guide to thought signatures (https://ai.google.dev/gemini-api/docs/thought-signatures).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headgate.testing.providers.asking import Asked, Refused, refuse
from headgate.testing.providers.strict import Misfit, conforms

Json = dict[str, Any]
DATA = (
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
)  # fmt: skip
OPAQUE = ("args", "parametersJsonSchema", "responseJsonSchema", "labels")
FUNCTION = r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"
# What only Vertex AI has; the SDK refuses to send it to the Gemini API.
VERTEX_CONFIG = ("routingConfig", "modelSelectionConfig", "audioTimestamp")
VERTEX_TOOLS = ("retrieval", "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch")


def checked(asked: Asked, expected: Any) -> Json:
    """The body of a request that fits its type, in its canonical form."""
    if not isinstance(asked.body, dict):
        raise refuse("Invalid JSON payload received. Unexpected end of string.")
    body: Json = canonical(asked.body)
    try:
        conforms(body, expected)
    except Misfit as misfit:
        raise said(misfit) from None
    return body


def said(misfit: Misfit) -> Refused:
    """The sentence for a request that does not fit its schema; names are those of the protocol buffers."""
    parent = Misfit(misfit.path[:-1], "unknown").bracketed
    at = f" at '{snake(parent)}'" if parent else ""
    if misfit.complaint == "unknown":
        return refuse(f'Invalid JSON payload received. Unknown name "{misfit.path[-1]}"{at}: Cannot find field.')
    if misfit.complaint == "missing":
        return refuse(f"* GenerateContentRequest.{snake(misfit.bracketed)}: {misfit.path[-1]} is not specified")
    return refuse(f"Invalid value at '{snake(misfit.bracketed)}': expected {misfit.expected}")


def snake(path: str) -> str:
    """`generationConfig.topP` as `generation_config.top_p`."""
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", path)


def canonical(value: Any, *, schema: bool = False) -> Any:
    """A body with its names in camel case and the types of its schemas in capitals: the API takes either form.

    See https://protobuf.dev/programming-guides/json/ for the names. What the user names himself is left alone.
    """
    if isinstance(value, list):
        return [canonical(each, schema=schema) for each in value]
    if not isinstance(value, dict):
        return value
    return {camel(key): _canonical(camel(key), each, schema) for key, each in value.items()}


def _canonical(key: str, value: Any, schema: bool) -> Any:
    if key in OPAQUE or (key == "response" and not schema and isinstance(value, dict) and "type" not in value):
        return value
    if schema and key == "type" and isinstance(value, str):
        return value.upper()
    if schema and key == "properties" and isinstance(value, dict):
        return {name: canonical(each, schema=True) for name, each in value.items()}
    return canonical(value, schema=schema or key in ("parameters", "responseSchema", "response"))


def camel(name: str) -> str:
    """`top_p` as `topP`."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def check_rules(body: Json, *, vertex: bool, signatures: bool) -> None:
    """Raises Refused with the sentence that Google has for it."""
    if not body["contents"]:
        raise refuse("* GenerateContentRequest.contents: contents is not specified")
    for at, content in enumerate(body["contents"]):
        _content(content, f"contents[{at}]")
    _functions(body["contents"])
    _config(body.get("generationConfig") or {}, vertex)
    for at, tool in enumerate(body.get("tools") or ()):
        _tool(tool, f"tools[{at}]", vertex)
    if signatures:
        _signatures(body["contents"])


def _content(content: Json, where: str) -> None:
    if content.get("role", "user") not in ("user", "model"):
        raise refuse("Please use a valid role: user, model.")
    if not content.get("parts"):
        raise refuse(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    for at, part in enumerate(content["parts"]):
        if sum(name in part for name in DATA) != 1:
            raise refuse(
                f"* GenerateContentRequest.{where}.parts[{at}].data: required oneof field 'data' must have one initialized field"
            )
        _named(part, f"{where}.parts[{at}]")


def _named(part: Json, where: str) -> None:
    for field, name in (("functionCall", "function_call"), ("functionResponse", "function_response")):
        if field in part and not part[field].get("name"):
            raise refuse(f"* GenerateContentRequest.{where}.{name}.name: Name cannot be empty.")
    if "functionResponse" in part and not isinstance(part["functionResponse"].get("response"), dict):
        raise refuse(f"* GenerateContentRequest.{where}.function_response.response: response is not specified")


def _count(content: Json | None, field: str) -> int:
    return sum(field in part for part in content["parts"]) if content else 0


def _functions(contents: list[Json]) -> None:
    """A turn of calls comes after the user's; as many responses come right after it, and nowhere else."""
    for at, content in enumerate(contents):
        calls, responses = _count(content, "functionCall"), _count(content, "functionResponse")
        before = contents[at - 1] if at else None
        after = contents[at + 1] if at + 1 < len(contents) else None
        if calls and (before is None or before.get("role") == "model"):
            raise refuse("Please ensure that function call turn comes immediately after a user turn or after a function response turn.")  # fmt: skip
        if calls and after is not None and _count(after, "functionResponse") != calls:
            raise refuse("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.")  # fmt: skip
        if responses and not _count(before, "functionCall"):
            raise refuse("Please ensure that function response turn comes immediately after a function call turn.")


def _config(config: Json, vertex: bool) -> None:
    for name, low, high in (
        ("temperature", 0, 2),
        ("topP", 0, 1),
        ("candidateCount", 1, 8),
        ("maxOutputTokens", 1, 1 << 20),
    ):
        if config.get(name) is not None and not low <= config[name] <= high:
            raise refuse(f"* GenerateContentRequest.generation_config.{snake(name)}: {snake(name)} must be in the range [{low}, {high}].")  # fmt: skip
    if any(config.get(name) is not None for name in ("responseSchema", "responseJsonSchema")) and config.get(
        "responseMimeType"
    ) not in ("application/json", "text/x.enum"):
        raise refuse("* GenerateContentRequest.generation_config.response_schema: only allowed for JSON responses.")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        raise refuse("logprobs may only be set if response_logprobs is true.")
    _only_vertex(config, VERTEX_CONFIG, "generation_config", vertex)


def _tool(tool: Json, where: str, vertex: bool) -> None:
    _only_vertex(tool, VERTEX_TOOLS, where, vertex)
    for at, name in enumerate(_declared(tool)):
        if not re.fullmatch(FUNCTION, name):
            raise refuse(
                f"* GenerateContentRequest.{where}.function_declarations[{at}].name: [FIELD_INVALID] Invalid function name. "
                "Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), "
                "colons (:), or dashes (-), with a maximum length of 64."
            )


def _declared(tool: Json) -> Iterator[str]:
    return (each.get("name") or "" for each in tool.get("functionDeclarations") or ())


def _only_vertex(value: Json, names: tuple[str, ...], where: str, vertex: bool) -> None:
    for name in names:
        if name in value and not vertex:
            raise refuse(f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")


def _signatures(contents: list[Json]) -> None:
    """In the current turn, the first call of each step has to bring back its signature."""
    last = max(
        (at for at, each in enumerate(contents) if each.get("role") != "model" and _count(each, "text")), default=0
    )
    for at, content in list(enumerate(contents))[last:]:
        calls = [part for part in content["parts"] if "functionCall" in part]
        if calls and not calls[0].get("thoughtSignature"):
            raise refuse(f"Function call is missing a thought_signature in functionCall parts. See contents[{at}].")
