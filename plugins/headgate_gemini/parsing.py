"""The content of a request: contents, tools and configuration, as every dialect has them.

Where one of our fields says less than Google's, the original is kept in `extra` beside it. It is written again for as
long as its reading is what stands in the field (see `writing`).
"""

from __future__ import annotations

from typing import Any

from headgate.api import NotStrict
from headgate.api.ai import Content, Message, Role, ServerTool, Text, Tool, ToolResult, joined
from headgate_gemini import names
from headgate_gemini.calls import Calls
from headgate_gemini.config import fields, tool_choice
from headgate_gemini.parts import parse_part
from headgate_gemini.schemas import json_schema

_TOP = ("safetySettings", "cachedContent", "labels")


def parse(raw: dict[str, Any]) -> Content:
    """All of a body but the five fields. NotStrict."""
    content = Content(messages=_system(raw.get("systemInstruction")) + _messages(raw["contents"]))
    content.tools = _tools(raw.get("tools"))
    fields(raw.get("generationConfig") or {}, content)
    if raw.get("toolConfig") is not None:
        content.extra["toolConfig"] = config = names.TOOL_CONFIG.read(raw["toolConfig"], "toolConfig")
        content.tool_choice = tool_choice(config)
    content.service_tier = raw.get("serviceTier")
    content.store = raw.get("store")
    known = {
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "serviceTier",
        "store",
        "model",
    }
    content.extra.update({key: one for key, one in raw.items() if key not in known and not key.startswith("?")})
    return content


def _system(value: object) -> list[Message]:
    if value is None:
        return []
    if isinstance(value, str):
        return [Message("system", [Text(text=value)], extra={"bare": True})]
    read = names.CONTENT.read(value, "systemInstruction")
    message = _message(read, "system", "systemInstruction", Calls())
    message.extra |= {"role": read["role"]} if "role" in read else {}
    return [message]


def _messages(contents: list[Any]) -> list[Message]:
    calls = Calls()
    made = []
    for place, value in enumerate(contents):
        where = f"contents[{place}]"
        read = names.CONTENT.read(value, where)
        role: Role = "assistant" if read.get("role") == "model" else "user"
        message = _message(read, role, where, calls)
        if message.parts and all(isinstance(part, ToolResult) for part in message.parts):
            message.role = "tool"
        if read.get("role") not in ("user", "model"):
            message.extra["role"] = read.get("role")
        made.append(message)
    return made


def _message(read: dict[str, Any], role: Role, where: str, calls: Calls) -> Message:
    parts = [
        parse_part(names.PART.read(part, f"{where}.parts[{at}]"), f"{where}.parts[{at}]", calls)
        for at, part in enumerate(read.get("parts") or [])
    ]
    return Message(role, joined(parts), extra={key: one for key, one in read.items() if key not in ("role", "parts")})


def _tools(value: object) -> list[Tool | ServerTool]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotStrict("`tools` has to be a list.", "tools")
    made: list[Tool | ServerTool] = []
    for place, one in enumerate(value):
        where = f"tools[{place}]"
        read = names.TOOL.read(one, where)
        declared = read.pop("functionDeclarations", None) or []
        made += [_tool(tool, f"{where}.functionDeclarations[{at}]") for at, tool in enumerate(declared)]
        if read:
            made.append(ServerTool("gemini", read))
    return made


def _tool(value: object, where: str) -> Tool:
    read = names.FUNCTION.read(value, where)
    name = read.pop("name", None)
    if not isinstance(name, str) or not name:
        raise NotStrict(f"`{where}.name` has to be the name of a function.", f"{where}.name")
    schema = read.pop("parametersJsonSchema", None)
    if schema is None:
        schema = json_schema(read.get("parameters"))
    return Tool(name, read.pop("description", None), schema, extra=read)
