"""What the Responses API asks of a request beyond its types.

Sources: https://platform.openai.com/docs/api-reference/responses/create, the guide to function calling
(https://platform.openai.com/docs/guides/function-calling: each call has its output), the guide to reasoning
(https://platform.openai.com/docs/guides/reasoning: a reasoning item goes back with what followed it), and the guide to
the state of a conversation (https://platform.openai.com/docs/guides/conversation-state).
"""

from __future__ import annotations

from typing import Any

from headgate.testing.providers.asking import refuse
from headgate.testing.providers.openai.refusing import in_range, named_well, strict_schema

Item = dict[str, Any]


def completed(body: Any) -> Any:
    """A body with what the API fills in where it is left out, though the SDK's types ask for it.

    An assistant's message without `id` and `status` is taken, and so is a tool without `strict`.
    """
    if not isinstance(body, dict):
        return body
    filled = dict(body)
    if isinstance(body.get("input"), list):
        filled["input"] = [_item(item) for item in body["input"]]
    if isinstance(body.get("tools"), list):
        filled["tools"] = [_tool(tool) for tool in body["tools"]]
    return filled


def _item(item: Any) -> Any:
    if not (isinstance(item, dict) and item.get("role") == "assistant" and isinstance(item.get("content"), list)):
        return item
    content = [{"annotations": [], **part} if part.get("type") == "output_text" else part for part in item["content"]]
    return {"id": "msg_given", "status": "completed", "type": "message", **item, "content": content}


def _tool(tool: Any) -> Any:
    is_function = isinstance(tool, dict) and tool.get("type") == "function"
    return {"strict": None, "parameters": None, **tool} if is_function else tool


def check_rules(body: Item, before: list[Item]) -> None:
    """Raises Refused with the sentence that OpenAI has for it. `before` are the items of the previous response."""
    given = body.get("input")
    if given is None and not body.get("prompt"):
        raise refuse("Missing required parameter: 'input'.", param="input")
    if body.get("model") is None and not body.get("prompt"):
        raise refuse("Missing required parameter: 'model'.", param="model")
    if body.get("previous_response_id") and body.get("conversation"):
        raise refuse("'previous_response_id' and 'conversation' cannot be used together.", param="previous_response_id")
    if isinstance(given, list):
        _items([*before, *given])
    _ranges(body)
    _tools(body)
    _format(body)


def _items(items: list[Item]) -> None:
    calls = {item["call_id"] for item in items if item.get("type") == "function_call"}
    outputs = {item["call_id"] for item in items if item.get("type") == "function_call_output"}
    if stray := sorted(outputs - calls):
        raise refuse(f"No tool call found for function call output with call_id {stray[0]}.", param="input")
    if missing := sorted(calls - outputs):
        raise refuse(f"No tool output found for function call {missing[0]}.", param="input")
    for at, item in enumerate(items):
        after = items[at + 1] if at + 1 < len(items) else {}
        if item.get("type") == "reasoning" and (not after or after.get("role") in ("user", "system", "developer")):
            raise refuse(
                f"Item '{item['id']}' of type 'reasoning' was provided without its required following item.",
                param="input",
            )


def _ranges(body: Item) -> None:
    in_range(body, "temperature", 0, 2)
    in_range(body, "top_p", 0, 1)
    in_range(body, "top_logprobs", 0, 20)
    in_range(body, "max_output_tokens", 16)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")


def _tools(body: Item) -> None:
    functions = [tool for tool in body.get("tools") or () if tool["type"] == "function"]
    named_well([tool["name"] for tool in functions], lambda at: f"tools[{at}].name")
    for at, tool in enumerate(functions):
        if tool.get("strict"):
            strict_schema(tool["parameters"], f"tools[{at}].parameters")
    chosen = body.get("tool_choice")
    if chosen not in (None, "auto", "none") and not body.get("tools"):
        raise refuse("Tool choices other than 'auto' and 'none' need 'tools'.", param="tool_choice")
    named = chosen["name"] if isinstance(chosen, dict) and chosen["type"] == "function" else None
    if named is not None and named not in [tool["name"] for tool in functions]:
        raise refuse(f"Tool choice '{named}' not found in 'tools' parameter.", param="tool_choice")


def _format(body: Item) -> None:
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_object" and "json" not in str(body.get("input")).lower():
        raise refuse("Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.", param="input")  # fmt: skip
    if wanted.get("type") == "json_schema":
        named_well([wanted["name"]], lambda _: "text.format.name")
        if wanted.get("strict"):
            strict_schema(wanted["schema"], "text.format.schema")
