"""Tools and how they are to be used, written: https://ai.google.dev/api/caching#Tool."""

from __future__ import annotations

from typing import Any

from headgate.api.ai import Content, Dropped, Tool, ToolChoice, Unsupported
from headgate_gemini.config import tool_choice
from headgate_gemini.schemas import json_schema


def write_tools(content: Content, dropped: Dropped, *, own: bool) -> list[dict[str, Any]] | None:
    """All functions in one tool, and each tool that Google runs by itself. Unsupported for other providers' tools."""
    declared: list[dict[str, Any]] = []
    served: list[dict[str, Any]] = []
    for at, tool in enumerate(content.tools):
        if isinstance(tool, Tool):
            declared.append(_tool(tool, f"tools[{at}]", dropped, own=own))
        elif tool.dialect == "gemini":
            served.append(tool.value)
        else:
            raise Unsupported("This tool is run by another provider; Gemini does not have it.", f"tools[{at}]")
    made = [*([{"functionDeclarations": declared}] if declared else []), *served]
    return made or None


def _tool(tool: Tool, where: str, dropped: Dropped, *, own: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        made["description"] = tool.description
    extra = tool.extra if own else {}
    if not own:
        dropped.drop(f"{where}.strict", tool.strict or None)
        for name, value in tool.extra.items():
            dropped.drop(f"{where}.{name}", value)
    if "parameters" in extra and json_schema(extra["parameters"]) == tool.parameters:
        return made | extra
    if tool.parameters is not None:
        made["parametersJsonSchema"] = tool.parameters
    return made | {name: value for name, value in extra.items() if name != "parameters"}


def write_tool_config(content: Content, dropped: Dropped, *, own: bool) -> dict[str, Any] | None:
    """`toolConfig`, or None where nothing is asked for."""
    given = content.extra.get("toolConfig") if own else None
    if given is not None and tool_choice(given) == content.tool_choice:
        return dict(given)
    kept = {name: value for name, value in (given or {}).items() if name != "functionCallingConfig"}
    if content.tool_choice is not None:
        kept["functionCallingConfig"] = _calling(content.tool_choice)
    return kept or None


def _calling(choice: ToolChoice) -> dict[str, Any]:
    match choice.mode:
        case "tool":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case "required":
            return {"mode": "ANY"}
        case "none":
            return {"mode": "NONE"}
        case _:
            return {"mode": "AUTO"}
