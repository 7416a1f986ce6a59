"""What a client's request says, in the form that all dialects share: https://docs.cohere.com/reference/chat.

1. Only what a policy may look at is checked; what a model makes of the rest is between the client and its provider.
2. What has no field in `Content` stays in `extra`. A text that came as a block has its `type` there, so that it goes back
   as one.
3. The plan of a tool call is a thought with a mark. The documents of a request are files in the last turn of the user.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from headgate.api import (
    ANSWERS,
    ANY_COUNT,
    MOST_COUNT,
    SEED,
    NotStrict,
    a_bool,
    a_number,
    check_counts,
    check_numbers,
    decode_strictly,
    refuse_lookalikes,
)
from headgate.api.ai import (
    AnyPart,
    Audio,
    Chat,
    Content,
    File,
    Format,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Role,
    ServerTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from headgate_cohere.citing import citation
from headgate_cohere.documents import document
from headgate_cohere.facts import NAME, PLAN

_FIELDS: Final = frozenset({
    "model", "messages", "stream", "max_tokens", "temperature", "p", "k", "tools", "strict_tools", "documents",
    "citation_options", "response_format", "safety_mode", "stop_sequences", "seed", "frequency_penalty",
    "presence_penalty", "logprobs", "tool_choice", "thinking", "priority",
})  # fmt: skip
_OF_A_MESSAGE: Final = frozenset({"role", "content", "tool_calls", "tool_call_id", "tool_plan", "citations"})
_ROLES: Final[dict[str, Role]] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_IN_THE_CHAT: Final = frozenset({"model", "messages", "stream", "max_tokens", "temperature", "p"})
# Fields that mean the same in `Content`, by their names there.
PLAIN: Final = {
    "seed": "seed", "top_k": "k", "frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty",
    "logprobs": "logprobs",
}  # fmt: skip
_READ: Final = frozenset({
    "tools", "documents", "response_format", "stop_sequences", "tool_choice", "thinking", *PLAIN.values(),
})  # fmt: skip
_COUNTS: Final = {
    "max_tokens": ANY_COUNT, "k": (0, MOST_COUNT), "seed": SEED, "num_generations": ANSWERS, "priority": (0, MOST_COUNT),
}  # fmt: skip
_NUMBERS: Final = ("frequency_penalty", "presence_penalty")
_THINKING: Final = {"token_budget": (0, MOST_COUNT)}
_CHOICES: Final[dict[str, Literal["required", "none"]]] = {"REQUIRED": "required", "NONE": "none"}


def read(data: bytes) -> Chat:
    """A body as a Chat. NotStrict names the field and what it has to be."""
    value = decode_strictly(data)
    if not isinstance(value, dict):
        raise NotStrict('The body has to be a JSON object: {"model": …, "messages": […]}.')
    refuse_lookalikes(value, _FIELDS)
    if not isinstance(value.get("model"), str) or not value["model"]:
        raise NotStrict("`model` has to be the name of a model.", "model")
    _messages(value.get("messages"))
    _list(value.get("tools"), "tools")
    _check_numbers(value)
    chat = Chat(
        value["model"],
        a_bool(value.get("stream"), "stream"),
        value.get("max_tokens"),
        a_number(value.get("temperature"), "temperature"),
        a_number(value.get("p"), "p"),
    )
    chat.came_as(NAME, data, value, parse)
    return chat


def _check_numbers(value: dict[str, Any]) -> None:
    check_counts(value, _COUNTS)
    check_numbers(value, _NUMBERS)
    a_bool(value.get("logprobs"), "logprobs")
    if isinstance(value.get("thinking"), dict):
        check_counts(value["thinking"], _THINKING, "thinking.")


def parse(raw: dict[str, Any]) -> Content:
    """The content of a body. NotStrict."""
    messages = [message(each, f"messages[{place}]") for place, each in enumerate(raw["messages"])]
    asker = next((each for each in reversed(messages) if each.role == "user"), None)
    files = [document(each) for each in _list(raw.get("documents"), "documents")]
    if files and asker is None:
        messages.append(asker := Message("user"))
    if asker is not None:
        asker.parts = [*files, *asker.parts]
    extra = {name: value for name, value in raw.items() if name not in _IN_THE_CHAT and name not in _READ}
    strict = True if extra.get("strict_tools") is True else None
    return Content(
        messages,
        tools=[_tool(each, f"tools[{place}]", strict) for place, each in enumerate(raw.get("tools") or ())],
        tool_choice=_choice(raw.get("tool_choice")),
        format=_format(raw.get("response_format")),
        stop=_texts(raw.get("stop_sequences"), "stop_sequences"),
        thinking=_thinking(raw.get("thinking")),
        extra=extra,
        **{name: raw[ours] for name, ours in PLAIN.items() if raw.get(ours) is not None},
    )


# --- messages --------------------------------------------------------------------------------------------------------


def message(value: dict[str, Any], where: str) -> Message:
    """One turn. NotStrict."""
    role = _ROLES.get(value["role"])
    if role is None:
        raise NotStrict(f"`{where}.role` has to be one of {', '.join(_ROLES)}.", f"{where}.role")
    parts = content(value.get("content"), f"{where}.content")
    if role == "tool":
        allowed = [part for part in parts if isinstance(part, (Text, Image, Audio, File, Opaque))]
        return Message(role, [ToolResult(id=_text(value, "tool_call_id", where), parts=allowed)], extra=_more(value))
    plan = value.get(PLAN)
    if isinstance(plan, str):
        parts.insert(0, Reasoning(text=plan, maker=NAME, extra={PLAN: True}))
    calls = [call(each, f"{where}.tool_calls[{place}]") for place, each in enumerate(value.get("tool_calls") or ())]
    return Message(role, [*parts, *calls], extra={**_more(value), **cite(parts, value.get("citations"))})


def _more(value: dict[str, Any]) -> dict[str, Any]:
    return {name: field for name, field in value.items() if name not in _OF_A_MESSAGE}


def cite(parts: list[AnyPart], said: Any) -> dict[str, Any]:
    """Citations go to the texts that they cite; gives those that cite none."""
    left = []
    pieces = [part for part in parts if not (isinstance(part, Reasoning) and PLAN in part.extra)]
    for each in said or ():
        place = each.get("content_index") or 0 if isinstance(each, dict) else -1
        part = pieces[place] if isinstance(place, int) and 0 <= place < len(pieces) else None
        if isinstance(part, Text) and each.get("type") != "PLAN":
            part.citations.append(citation(each))
        else:
            left.append(each)
    return {"citations": left} if left or said == [] else {}


def content(value: Any, where: str) -> list[AnyPart]:
    """A text, or a list of blocks; nothing where there is none. NotStrict."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(text=value, citations=[])]
    if not isinstance(value, list):
        raise NotStrict(f"`{where}` has to be a text or a list of blocks.", where)
    return [block(each, f"{where}[{place}]") for place, each in enumerate(value)]


def block(value: Any, where: str) -> AnyPart:
    """One block. NotStrict where one of a known type lacks what it has to have."""
    kind = value.get("type") if isinstance(value, dict) else None
    match kind:
        case "text":
            return Text(text=_text(value, "text", where), citations=[], extra=_rest(value, "text"))
        case "thinking":
            return Reasoning(text=_text(value, "thinking", where), maker=NAME, extra=_rest(value, "type", "thinking"))
        case "image_url":
            return _image(value, where)
        case "document" if isinstance(value.get("document"), dict):
            return document(value["document"])
    if not isinstance(kind, str):
        raise NotStrict(f"`{where}` has to be an object with a `type`.", where)
    return Opaque(dialect=NAME, value=value)


def _image(value: dict[str, Any], where: str) -> Image:
    found = value.get("image_url")
    if not isinstance(found, dict):
        raise NotStrict(f"`{where}.image_url` has to be an object with a `url`.", f"{where}.image_url")
    url = _text(found, "url", f"{where}.image_url")
    head, comma, data = url.removeprefix("data:").partition(";base64,")
    media = Media(mime=head, data=data) if url.startswith("data:") and comma else Media(url=url)
    return Image(media=media, detail=found.get("detail"), extra=_rest(value, "type", "image_url"))


def call(value: Any, where: str) -> ToolCall:
    """A tool call. NotStrict."""
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict):
        raise NotStrict(f"`{where}` has to be an object with a `function`.", where)
    return ToolCall(
        id=_text(value, "id", where),
        name=_text(function, "name", f"{where}.function"),
        arguments=function.get("arguments") or "",
        extra=_rest(value, "id", "type", "function"),
    )


# --- the rest --------------------------------------------------------------------------------------------------------


def _tool(value: Any, where: str, strict: bool | None) -> Tool | ServerTool:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    function = value.get("function")
    if not isinstance(function, dict) or value.get("type", "function") != "function":
        return ServerTool(NAME, value)
    name = _text(function, "name", f"{where}.function")
    more = {**_rest(value, "type", "function"), **_rest(function, "name", "description", "parameters")}
    return Tool(name, function.get("description"), function.get("parameters"), strict, more)


def _choice(value: Any) -> ToolChoice | None:
    if value is None:
        return None
    if value not in _CHOICES:
        raise NotStrict("`tool_choice` has to be REQUIRED or NONE.", "tool_choice")
    return ToolChoice(_CHOICES[value])


def _format(value: Any) -> Format | None:
    kind = value.get("type") if isinstance(value, dict) else None
    if value is None or kind == "text":
        return None if value is None else Format("text")
    if kind != "json_object":
        raise NotStrict("`response_format.type` has to be text or json_object.", "response_format")
    schema = value.get("json_schema", value.get("schema"))
    return Format("json") if schema is None else Format("schema", schema=schema)


def _thinking(value: Any) -> Thinking | None:
    if not isinstance(value, dict):
        return None
    off = value.get("type") == "disabled"
    return Thinking("none" if off else None, value.get("token_budget"), None if off else True, {"thinking": value})


def _messages(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise NotStrict("`messages` has to be a list with at least one message.", "messages")
    for place, each in enumerate(value):
        if not isinstance(each, dict):
            raise NotStrict(f"`messages[{place}]` has to be an object with a `role`.", f"messages[{place}]")
        if not isinstance(each.get("role"), str):
            raise NotStrict(f"`messages[{place}]` has to be an object with a `role`.", f"messages[{place}].role")
        refuse_lookalikes(each, _OF_A_MESSAGE, f"messages[{place}]")


def _text(value: dict[str, Any], name: str, where: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise NotStrict(f"`{where}.{name}` has to be a text.", f"{where}.{name}")
    return found


def _rest(value: dict[str, Any], *known: str) -> dict[str, Any]:
    return {name: field for name, field in value.items() if name not in known}


def _texts(value: Any, name: str) -> list[str]:
    if not all(isinstance(each, str) for each in _list(value, name)):
        raise NotStrict(f"`{name}` has to be a list of texts.", name)
    return value or []


def _list(value: Any, name: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise NotStrict(f"`{name}` has to be a list.", name)
    return value or []
