"""The items of a conversation as turns: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input.

1. A message of the model, its reasoning and its calls are items of their own here, and one turn everywhere else; so those
   that follow one another become one turn.
2. A summary and what is encrypted of the same reasoning are two parts with one id. A proof that another dialect gave (see
   `shapes`) becomes that dialect's again.
3. Calls of tools that OpenAI runs, and whatever else only this dialect has, are `Opaque`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from headgate.api import NotStrict
from headgate.api.ai import (
    AnyPart,
    Audio,
    Citation,
    File,
    Image,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refused,
    Role,
    Text,
    carried,
)
from headgate_openai.responses.shapes import (
    NAME,
    Called,
    Given,
    Head,
    Picture,
    Thought,
    Turn,
    media,
    rest,
    text_of,
)

ROLES: Final[dict[str, Role]] = {
    "system": "system", "developer": "developer", "user": "user", "assistant": "assistant",
}  # fmt: skip
_OF_THE_MODEL: Final = frozenset({"item_reference", "compaction", "mcp_list_tools", "mcp_approval_request"})


def turns(items: Iterable[Any], where: str = "input") -> list[tuple[Message, list[Any]]]:
    """Every turn with the items that it came from. NotStrict."""
    made: list[tuple[Turn, list[Any]]] = []
    for place, item in enumerate(items):
        turn = _turn(item, f"{where}[{place}]")
        last = made[-1] if made else None
        if last is not None and turn.role == last[0].role == "assistant":
            last[0].parts += turn.parts
            last[0].heads += turn.heads
            last[1].append(item)
        else:
            made.append((turn, [item]))
    return [(turn, came) for turn, came in made]


def _turn(item: Any, where: str) -> Turn:
    if not isinstance(item, dict):
        raise NotStrict(f"`{where}` has to be an object.", where)
    kind = item.get("type", "message" if "role" in item else None)
    if kind == "message":
        return _message(item, where)
    if kind == "function_call_output":
        given = _given(item.get("output"), f"{where}.output")
        return Turn("tool", [Given(id=text_of(item.get("call_id"), f"{where}.call_id"), parts=given, item=item)])
    if not isinstance(kind, str):
        raise NotStrict(f"`{where}` has to have a `type`.", where)
    of_model = kind.endswith("_call") or kind in _OF_THE_MODEL or kind == "reasoning"
    return Turn("assistant" if of_model else "user", said(item, where))


def said(item: dict[str, Any], where: str) -> list[Any]:
    """The parts of an item that a model said. NotStrict."""
    match item.get("type"):
        case "message":
            return content(item.get("content"), f"{where}.content")
        case "reasoning":
            return thoughts(item)
        case "function_call":
            name, ident = text_of(item.get("name"), f"{where}.name"), text_of(item.get("call_id"), f"{where}.call_id")
            return [Called(id=ident, name=name, arguments=item.get("arguments") or "", item=item)]
        case "image_generation_call" if isinstance(item.get("result"), str):
            return [
                Picture(media=Media(mime=f"image/{item.get('output_format', 'png')}", data=item["result"]), item=item)
            ]
    return [Opaque(dialect=NAME, value=item)]


def _message(item: dict[str, Any], where: str) -> Turn:
    role = item.get("role")
    if role not in ROLES:
        raise NotStrict(f"`{where}.role` has to be one of {', '.join(ROLES)}.", f"{where}.role")
    parts = content(item.get("content"), f"{where}.content")
    head = Head(len(parts), rest(item, "role", "content"), isinstance(item.get("content"), str))
    return Turn(ROLES[role], parts, heads=[head])


def thoughts(item: dict[str, Any]) -> list[Reasoning]:
    """A reasoning item: what can be read of it, and what cannot."""
    words = [one["text"] for one in item.get("content") or () if isinstance(one.get("text"), str)]
    summary = [one["text"] for one in item.get("summary") or () if isinstance(one.get("text"), str)]
    part = Thought(text="".join(words) or "\n\n".join(summary), summary=not words, id=item.get("id"), item=item)
    sealed = item.get("encrypted_content")
    if not sealed:
        return [part]
    if (foreign := carried(sealed, part.text)) is not None:
        return [foreign]
    return [part, Reasoning(sealed=sealed, id=item.get("id"))]


# --- content ---------------------------------------------------------------------------------------------------------


def content(value: Any, where: str) -> list[AnyPart]:
    """A text, or a list of parts. NotStrict."""
    if isinstance(value, str):
        return [Text(text=value)]
    if not isinstance(value, list):
        raise NotStrict(f"`{where}` has to be a text or a list of parts.", where)
    return [_part(part, f"{where}[{place}]") for place, part in enumerate(value)]


def _given(value: Any, where: str) -> list[Any]:
    allowed = (Text, Image, Audio, File, Opaque)
    return [part for part in content(value, where) if isinstance(part, allowed)]


def _part(value: Any, where: str) -> AnyPart:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise NotStrict(f"`{where}` has to be an object with a `type`.", where)
    match kind:
        case "input_text":
            return Text(text=text_of(value.get("text"), f"{where}.text"), extra=rest(value, "type", "text"))
        case "output_text":
            return _output_text(value, where)
        case "refusal":
            return Refused(text=text_of(value.get("refusal"), f"{where}.refusal"))
        case "input_image":
            return _image(value, where)
        case "input_file":
            return _file(value, where)
        case "input_audio":
            return _audio(value, where)
    return Opaque(dialect=NAME, value=value)


def _output_text(value: dict[str, Any], where: str) -> Text:
    extra = rest(value, "type", "text", "annotations", "logprobs")
    if value.get("logprobs"):
        extra["logprobs"] = value["logprobs"]
    citations = [citation(one) for one in value.get("annotations") or ()]
    return Text(text=text_of(value.get("text"), f"{where}.text"), citations=citations, extra=extra)


def citation(value: dict[str, Any]) -> Citation:
    """An annotation; what is no address stays as it came."""
    if value.get("type") == "url_citation":
        return Citation(
            title=value.get("title"), url=value.get("url"), start=value.get("start_index"), end=value.get("end_index"),
            extra=rest(value, "type", "title", "url", "start_index", "end_index"),
        )  # fmt: skip
    return Citation(
        title=value.get("filename"), document=value.get("file_id"), start=value.get("start_index"),
        end=value.get("end_index"), extra=value,
    )  # fmt: skip


def _one_of(value: dict[str, Any], where: str, *names: str) -> None:
    """NotStrict where it stands at two places: what a provider reads might not be what was looked at."""
    given = [name for name in names if value.get(name) is not None]
    if len(given) > 1:
        raise NotStrict(f"`{where}` has to have `{given[0]}` or `{given[1]}`, not both.", where)


def _image(value: dict[str, Any], where: str) -> Image:
    _one_of(value, where, "image_url", "file_id")
    url = value.get("image_url")
    known = Media(file=text_of(value.get("file_id"), f"{where}.image_url")) if url is None else None
    return Image(
        media=known or media(url, f"{where}.image_url"), detail=value.get("detail"),
        extra=rest(value, "type", "image_url", "file_id", "detail"),
    )  # fmt: skip


def _file(value: dict[str, Any], where: str) -> File:
    _one_of(value, where, "file_data", "file_url", "file_id")
    if value.get("file_data") is not None:
        data = text_of(value["file_data"], f"{where}.file_data")
        # OpenAI takes the base64 alone too; the name then tells what it is.
        found = media(data, f"{where}.file_data") if data.startswith("data:") else Media(data=data)
    elif value.get("file_url") is not None:
        found = Media(url=text_of(value["file_url"], f"{where}.file_url"))
    else:
        found = Media(file=text_of(value.get("file_id"), f"{where}.file_id"))
    found.name = value.get("filename")
    return File(media=found, extra=rest(value, "type", "file_data", "file_url", "file_id", "filename"))


def _audio(value: dict[str, Any], where: str) -> Audio:
    sound = value.get("input_audio")
    if not isinstance(sound, dict):
        raise NotStrict(f"`{where}.input_audio` has to be an object with `data` and `format`.", where)
    form = text_of(sound.get("format"), f"{where}.input_audio.format")
    data = text_of(sound.get("data"), f"{where}.input_audio.data")
    return Audio(media=Media(mime=f"audio/{form}", data=data), format=form, extra=rest(value, "type", "input_audio"))
