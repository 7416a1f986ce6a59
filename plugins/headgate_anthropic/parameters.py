"""Everything of a request but its turns, both ways between this API's names and those that all dialects share.

1. Read: what has a field in `Content` goes there; what is left of it, and what has none, stays in `extra`, so that what is
   written for the same API is what was read.
2. Tools: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use. A tool of a type of its own is
   run by Anthropic, or has a form that only its models know.
3. Structured output: https://platform.claude.com/docs/en/build-with-claude/structured-outputs. `output_format` is its older
   name.
4. Thinking: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking. How much is a word in `output_config`;
   whether, and to which budget, is `thinking`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from headgate.api import NotStrict
from headgate.api.ai import Format, ServerTool, Thinking, Tool, ToolChoice
from headgate_anthropic.blocks import rest, words
from headgate_anthropic.facts import NAME

_IN_THE_CHAT: Final = frozenset({"model", "messages", "system", "stream", "max_tokens", "temperature", "top_p"})
_READ: Final = frozenset({
    "tools", "tool_choice", "stop_sequences", "top_k", "metadata", "service_tier", "thinking", "output_config",
    "output_format",
})  # fmt: skip
_MODES: Final[dict[str, Literal["auto", "required", "none", "tool"]]] = {
    "auto": "auto", "any": "required", "none": "none", "tool": "tool",
}  # fmt: skip
TIERS: Final = {"standard_only": "default"}
# The words for effort that all dialects share end at `xhigh`.
_MORE: Final = {"max": "xhigh"}


def parameters(raw: dict[str, Any]) -> dict[str, Any]:
    """The fields of `Content`, but for its messages. NotStrict."""
    extra = {name: value for name, value in raw.items() if name not in _IN_THE_CHAT and name not in _READ}
    choice, parallel = _choice(raw.get("tool_choice"), extra)
    tier = raw.get("service_tier")
    return {
        "tools": _tools(raw.get("tools")),
        "tool_choice": choice,
        "parallel_tools": parallel,
        "format": _format(raw, extra),
        "stop": _stop(raw.get("stop_sequences")),
        "top_k": raw.get("top_k"),
        "user": _user(raw.get("metadata"), extra),
        "thinking": _thinking(raw, extra),
        "service_tier": TIERS.get(str(tier), tier),
        "extra": extra,
    }


def _tools(value: Any) -> list[Tool | ServerTool]:
    return [_tool(each, f"tools[{place}]") for place, each in enumerate(value or ())]


def _tool(value: Any, where: str) -> Tool | ServerTool:
    if not isinstance(value, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    if value.get("type") not in (None, "custom"):
        return ServerTool(NAME, value)
    told = [name for name in ("description", "strict") if value.get(name) is not None]
    return Tool(
        words(value, "name", where),
        value.get("description"),
        value.get("input_schema"),
        value.get("strict"),
        rest(value, "name", "input_schema", *told),
    )


def _choice(value: Any, extra: dict[str, Any]) -> tuple[ToolChoice | None, bool | None]:
    if value is None:
        return None, None
    mode = _MODES.get(str(value.get("type"))) if isinstance(value, dict) else None
    if mode is None:
        raise NotStrict(f"`tool_choice.type` has to be one of {', '.join(_MODES)}.", "tool_choice")
    _keep(extra, "tool_choice", rest(value, "type", "name", "disable_parallel_tool_use"))
    alone = value.get("disable_parallel_tool_use")
    return ToolChoice(mode, value.get("name")), None if alone is None else not alone


def _format(raw: dict[str, Any], extra: dict[str, Any]) -> Format | None:
    config = raw.get("output_config")
    newer = config.get("format") if isinstance(config, dict) else None
    value = raw.get("output_format") if newer is None else newer
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("type") != "json_schema":
        raise NotStrict(
            '`output_config.format` has to be {"type": "json_schema", "schema": …}.', "output_config.format"
        )
    if newer is None:
        extra["output_format"] = rest(value, "type", "schema")
    return Format("schema", schema=value.get("schema"))


def _stop(value: Any) -> list[str]:
    if value is not None and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise NotStrict("`stop_sequences` has to be a list of texts.", "stop_sequences")
    return value or []


def _user(value: Any, extra: dict[str, Any]) -> str | None:
    if not isinstance(value, dict):
        return None
    user = value.get("user_id")
    _keep(extra, "metadata", rest(value, "user_id") if isinstance(user, str) else value)
    return user if isinstance(user, str) else None


def _thinking(raw: dict[str, Any], extra: dict[str, Any]) -> Thinking | None:
    """`extra` of what is made has `thinking` and `output_config` as they came, for the same API."""
    how, config = raw.get("thinking"), raw.get("output_config")
    how = how if isinstance(how, dict) else None
    effort = config.get("effort") if isinstance(config, dict) else None
    if isinstance(config, dict):
        _keep(extra, "output_config", rest(config, "effort", "format"))
    if how is None and effort is None:
        return None
    came = {name: value for name, value in (("thinking", how), ("effort", effort)) if value is not None}
    off = how is not None and how.get("type") == "disabled"
    # Without a word on it, thoughts within a budget come as summaries; those of adaptive thinking as the model's usual is.
    usual = "summarized" if how is not None and how.get("type") == "enabled" else ""
    shown = {"summarized": True, "omitted": False}.get(how.get("display", usual)) if how is not None else None
    budget = how.get("budget_tokens") if how is not None else None
    return Thinking("none" if off else _MORE.get(effort or "", effort), budget, shown, came)


def _keep(extra: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    if value:
        extra[name] = value
