"""What a chat asks for besides its turns, in this API's names.

1. For the same API, all goes back as it came, but for what a line changed.
2. From another dialect, what cannot be said is left out and named. What Claude takes differs by generation: see `facts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headgate.api.ai import Content, Dropped, Endpoint, Format, ServerTool, Thinking, Tool, ToolChoice, Unsupported
from headgate_anthropic.facts import BUDGETS, EFFORTS, LEAST_BUDGET, NAME, may_not_think, takes_budget, thinks_to_budget
from headgate_anthropic.parameters import TIERS, parameters

_TYPES: Final = {"auto": "auto", "required": "any", "none": "none", "tool": "tool"}
_TIERS: Final = {"auto": "auto", **{name: word for word, name in TIERS.items()}}
# What no field of this API can say.
_UNKNOWN: Final = ("seed", "presence_penalty", "frequency_penalty", "top_logprobs", "audio", "metadata")


def own_fields(content: Content) -> dict[str, Any]:
    """The fields of a chat that came in this dialect."""
    extra = content.extra
    body: dict[str, Any] = {name: value for name, value in extra.items() if name not in _MERGED}
    if content.tools:
        body["tools"] = [_own_tool(tool) for tool in content.tools]
    choice = _choice(content.tool_choice, content.parallel_tools)
    metadata = {} if content.user is None else {"user_id": content.user}
    config, how = _own_thinking(content.thinking)
    config = {**extra.get("output_config", {}), **config}
    if content.format is not None and content.format.kind == "schema":
        said = {"type": "json_schema", "schema": content.format.schema}
        if "output_format" in extra:
            body["output_format"] = {**said, **extra["output_format"]}
        else:
            config["format"] = said
    tier = content.service_tier
    told = {
        "tool_choice": {**(choice or {}), **extra.get("tool_choice", {})},
        "metadata": {**metadata, **extra.get("metadata", {})},
        "output_config": config,
        "thinking": how,
        "stop_sequences": content.stop,
        "top_k": content.top_k,
        "service_tier": _TIERS.get(tier, tier) if tier is not None else None,
    }
    return {**body, **{name: value for name, value in told.items() if value not in (None, {}, [])}}


_MERGED: Final = frozenset({"tool_choice", "metadata", "output_config", "output_format"})


def _own_tool(tool: Tool | ServerTool) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        return tool.value
    body = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters, "strict": tool.strict}
    return {**{name: value for name, value in body.items() if value is not None}, **tool.extra}


def _own_thinking(thinking: Thinking | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`output_config` and `thinking`: as they came, or as a line wants them now."""
    if thinking is None:
        return {}, None
    came = thinking.extra
    effort = {"effort": came["effort"]} if "effort" in came else {}
    as_came = parameters({"thinking": came.get("thinking"), "output_config": effort})["thinking"]
    if thinking == as_came:
        return effort, came.get("thinking")
    if thinking.effort == "none":
        return {}, {"type": "disabled"}
    effort = {"effort": EFFORTS.get(thinking.effort, thinking.effort)} if thinking.effort is not None else {}
    return effort, _how(thinking) if thinking.budget_tokens is not None else came.get("thinking")


def _how(thinking: Thinking) -> dict[str, Any]:
    """To a budget, or as the model sees fit."""
    shown = {True: {"display": "summarized"}, False: {"display": "omitted"}, None: {}}[thinking.shown]
    if thinking.budget_tokens is None:
        return {"type": "adaptive", **shown}
    return {"type": "enabled", "budget_tokens": thinking.budget_tokens, **shown}


# --- from another dialect --------------------------------------------------------------------------------------------


def fields(content: Content, most: int, to: Endpoint, dropped: Dropped) -> dict[str, Any]:
    """The fields of a chat that came in another dialect; `most` is its bound. Unsupported."""
    body: dict[str, Any] = {}
    if content.bare:
        return body
    if content.tools:
        body["tools"] = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(content.tools)]
        choice = _choice(content.tool_choice, content.parallel_tools)
        body.update({} if choice is None else {"tool_choice": choice})
    if content.stop:
        body["stop_sequences"] = content.stop
    if content.user is not None:
        body["metadata"] = {"user_id": content.user}
    if content.service_tier in _TIERS:
        body["service_tier"] = _TIERS[content.service_tier]
    else:
        dropped.drop("service_tier", content.service_tier)
    config = {**_format(content.format, dropped), **_think(content, most, to, body, dropped)}
    body.update({"output_config": config} if config else {})
    _leave_out(content, dropped)
    return body


def _leave_out(content: Content, dropped: Dropped) -> None:
    for name in _UNKNOWN:
        dropped.drop(name, getattr(content, name))
    dropped.drop("n", content.n if content.n != 1 else None)
    dropped.drop("logprobs", content.logprobs or None)
    dropped.drop("store", content.store or None)
    dropped.drop("modalities", [each for each in content.modalities or () if each != "text"])
    for name, value in content.extra.items():
        dropped.drop(name, value)


def _tool(tool: Tool | ServerTool, where: str) -> dict[str, Any]:
    if isinstance(tool, ServerTool):
        if tool.dialect == NAME:
            return tool.value
        raise Unsupported(f"`{tool.value.get('type', 'tool')}` is a tool of {tool.dialect} alone.", where)
    schema = tool.parameters if isinstance(tool.parameters, dict) else {}
    # The API wants the type said, which others take for granted.
    body: dict[str, Any] = {"name": tool.name, "input_schema": {"type": "object", **schema}}
    body.update({} if tool.description is None else {"description": tool.description})
    return body if tool.strict is None else {**body, "strict": tool.strict}


def _choice(choice: ToolChoice | None, parallel: bool | None) -> dict[str, Any] | None:
    if choice is None and parallel is not False:
        return None
    said = choice or ToolChoice("auto")
    body: dict[str, Any] = {"type": _TYPES[said.mode]}
    body.update({} if said.name is None else {"name": said.name})
    if parallel is not None and said.mode != "none":
        body["disable_parallel_tool_use"] = not parallel
    return body


def _format(wanted: Format | None, dropped: Dropped) -> dict[str, Any]:
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind == "json" or not isinstance(wanted.schema, dict):
        dropped.drop("response_format", wanted.kind)
        return {}
    return {"format": {"type": "json_schema", "schema": wanted.schema}}


def _think(content: Content, most: int, to: Endpoint, body: dict[str, Any], dropped: Dropped) -> dict[str, Any]:
    """Sets `thinking`; gives what belongs into `output_config`."""
    thinking = content.thinking
    if thinking is None or thinking == Thinking(extra=thinking.extra):
        return {}
    if thinking.effort == "none":
        if may_not_think(to.model, to.options):
            body["thinking"] = {"type": "disabled"}
        else:
            dropped.drop("thinking", thinking.effort)
        return {}
    if thinks_to_budget(to.model, to.options) or (
        thinking.budget_tokens is not None and takes_budget(to.model, to.options)
    ):
        return _budget(content, thinking, most, body, dropped)
    body["thinking"] = _how(Thinking(shown=thinking.shown))
    return {"effort": _effort(thinking)} if thinking.effort or thinking.budget_tokens is not None else {}


def _effort(thinking: Thinking) -> str:
    """The word: the one that was said, or the least whose budget is as large."""
    if thinking.effort is not None:
        return EFFORTS.get(thinking.effort, thinking.effort)
    budget = thinking.budget_tokens or 0
    return next((EFFORTS[word] for word, tokens in BUDGETS.items() if tokens >= budget), "xhigh")


def _budget(content: Content, thinking: Thinking, most: int, body: dict[str, Any], dropped: Dropped) -> dict[str, Any]:
    """To a budget, which has to be below the bound on the answer; one made of a word leaves half of it for the answer.
    It goes with no forced tool, and not with a tool's call in flight whose thoughts are lost."""
    asked = thinking.budget_tokens
    budget = min(BUDGETS.get(thinking.effort or "", LEAST_BUDGET), most // 2) if asked is None else asked
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if not LEAST_BUDGET <= budget < most or forced or lost_thoughts(content):
        dropped.drop("thinking", budget)
    else:
        body["thinking"] = _how(Thinking(budget_tokens=budget, shown=thinking.shown))
    return {}


def lost_thoughts(content: Content) -> bool:
    """Whether the last turn of the assistant called a tool, and what Claude thought before is not there any more."""
    turn = next((each for each in reversed(content.messages) if each.role == "assistant"), None)
    kinds = [type(part).__name__ for part in turn.parts] if turn is not None else []
    thought = turn is not None and any(getattr(part, "maker", None) == NAME for part in turn.parts)
    return "ToolCall" in kinds and not thought


def sampling(values: Mapping[str, Any], *, thinks: bool, takes: bool, dropped: Dropped) -> dict[str, Any]:
    """`temperature`, `top_p` and `top_k`, as far as they can be said: to 1, one of the first two, none while it thinks."""
    said = {name: value for name, value in values.items() if value is not None}
    heat = said.get("temperature")
    bad = {"temperature"} if heat is not None and heat > 1 else set()
    bad |= {"top_p"} if "temperature" in said and "temperature" not in bad else set()
    bad |= set(said) if thinks or not takes else set()
    for name in (name for name in said if name in bad):
        dropped.drop(name, said[name])
    return {name: value for name, value in said.items() if name not in bad}
