"""A chat as a policy sees it, whichever dialect it came in.

1. `model`, `stream`, `max_tokens`, `temperature` and `top_p` are read at once: nearly every policy looks at them, and every
   dialect has them. All else is `content`, which is read when somebody asks for it. A chat that nobody looks into
   reaches a provider of the same dialect as the bytes it came in.
2. A dialect that writes to its own kind asks what `changed` and writes only that anew. One that writes to another kind
   takes everything from here.
3. A chat is a value: two chats that ask for the same thing have the same `cache_key`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from headgate.contracts.ai.parts import Audio, File, Image, Opaque, Reasoning, Refused, Text, ToolCall, ToolResult
from headgate.contracts.ai.typed import STUMBLES, IllTyped, typed
from headgate.errors import ClientFault
from headgate.message.strict_json import NotStrict

Role = Literal["system", "developer", "user", "assistant", "tool"]
AnyPart = Text | Image | Audio | File | ToolCall | ToolResult | Reasoning | Refused | Opaque


class Message(msgspec.Struct, omit_defaults=True):
    """One turn. What tools gave (`ToolResult`) stands in messages of the role `tool`, or of `user` among other parts."""

    role: Role
    parts: list[AnyPart] = []
    name: str | None = None
    extra: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """All its words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class Tool(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="function"):
    """A function that the model may want called. `parameters` is a JSON schema."""

    name: str
    description: str | None = None
    parameters: Any = None
    strict: bool | None = None
    extra: dict[str, Any] = {}


class ServerTool(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="server"):
    """A tool that the provider runs itself: only its dialect knows it. What it costs cannot be bounded."""

    dialect: str
    value: dict[str, Any]


class ToolChoice(msgspec.Struct, omit_defaults=True):
    """Whether tools may, must not or must be called, or which one."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None


class Format(msgspec.Struct, omit_defaults=True):
    """What the answer has to look like: any JSON, or JSON that fits a schema."""

    kind: Literal["text", "json", "schema"]
    name: str | None = None
    schema: Any = None
    strict: bool | None = None
    description: str | None = None


class Thinking(msgspec.Struct, omit_defaults=True):
    """How much to think: as a word (`none`, `minimal`, `low`, `medium`, `high`, `xhigh`) or in tokens. `shown`: the client
    wants to see it, or a summary of it."""

    effort: str | None = None
    budget_tokens: int | None = None
    shown: bool | None = None
    extra: dict[str, Any] = {}


class Content(msgspec.Struct, omit_defaults=True):
    """Everything of a chat but its first five fields. `extra` holds fields that only the client's dialect has."""

    messages: list[Message]
    tools: list[Tool | ServerTool] = []
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    format: Format | None = None
    stop: list[str] = []
    seed: int | None = None
    top_k: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user: str | None = None
    thinking: Thinking | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    store: bool | None = None
    extra: dict[str, Any] = {}

    @property
    def bare(self) -> bool:
        """Whether it is messages and nothing else, as most are: then no dialect has anything to say of the rest."""
        return self == Content(self.messages)


_NOTHING: Final = frozenset[str]()


def _invalid(message: str, where: str) -> ClientFault:
    return ClientFault("request.invalid", message, status=400, record={"where": where} if where else {})


class _Origin:
    """Where a chat came from: no part of its value."""

    __slots__ = ("_body", "_content", "_dialect", "_parse", "_print", "_raw", "_was")
    _dialect: str
    _body: bytes
    _raw: dict[str, Any]
    _parse: Callable[[dict[str, Any]], Content] | None
    _content: Content | None
    _print: bytes
    _was: tuple[Any, ...]

    def _now(self) -> tuple[Any, ...]:
        """The five fields as they are now."""
        raise NotImplementedError

    def came_as(
        self, dialect: str, body: bytes, raw: dict[str, Any], parse: Callable[[dict[str, Any]], Content]
    ) -> None:
        """Said once, by the dialect that read it. `raw` is the decoded body; `parse` makes the content of it, when
        somebody asks, and raises `NotStrict`."""
        self._dialect, self._body, self._raw, self._parse, self._content = dialect, body, raw, parse, None
        self._was = self._now()

    @property
    def dialect(self) -> str:
        """The name of the dialect it came in; empty for a chat that was made here."""
        return self._dialect

    def original(self) -> bytes:
        """The body as the client sent it."""
        return self._body

    def raw(self) -> dict[str, Any]:
        """The body as it was decoded. Not to be changed."""
        return self._raw

    def asked(self) -> str:
        """The model that the client named, whatever a line set since."""
        return str(self._was[0])

    def content(self) -> Content:
        """All else, read the first time it is asked for. ClientFault where it is not what the dialect says."""
        if self._content is None:
            assert self._parse is not None
            try:
                self._content = typed(self._parse(self._raw), Content)
            except NotStrict as error:
                raise _invalid(error.message, error.where) from None
            except IllTyped as error:
                raise _invalid(str(error), error.where) from None
            except STUMBLES:
                raise _invalid("The chat is not as its API has it.", "") from None
            self._print = msgspec.json.encode(self._content)
        return self._content


@dataclass(slots=True, eq=False)
class Chat(_Origin):
    """`read.chat as chat`. `max_tokens` bounds the answer; absent where the client gave no bound."""

    model: str
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None

    def __repr__(self) -> str:
        return f"<Chat {self.model} {self.dialect or 'made here'}{', stream' * self.stream}>"

    @classmethod
    def made(cls, model: str, content: Content, **fields: Any) -> Chat:
        """A chat that no client sent: a prompt's."""
        chat = cls(model, **fields)
        chat.came_as("", b"", {}, lambda raw: content)
        return chat

    def _now(self) -> tuple[Any, ...]:
        return (self.model, self.stream, self.max_tokens, self.temperature, self.top_p)

    # --- what it says ------------------------------------------------------------------------------------------------

    @property
    def messages(self) -> list[Message]:
        """The turns, in one form for all dialects."""
        return self.content().messages

    @property
    def tools(self) -> list[str]:
        """The names of the tools that the model may call."""
        return [tool.name for tool in self.content().tools if isinstance(tool, Tool)]

    @property
    def text(self) -> str:
        """The words of the last message of the user."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    # --- what became of it -------------------------------------------------------------------------------------------

    def changed(self) -> frozenset[str]:
        """Which of the five fields, and `content`, differ from what came."""
        now, was = self._now(), self._was
        if now == was and self._content is None:
            return _NOTHING
        names = ("model", "stream", "max_tokens", "temperature", "top_p")
        differ = {name for name, left, right in zip(names, now, was, strict=True) if left != right}
        if self.content_changed():
            differ.add("content")
        return frozenset(differ)

    def content_changed(self) -> bool:
        """Whether a line wrote into the content."""
        return self._content is not None and msgspec.json.encode(self._content) != self._print

    def as_it_came(self) -> bool:
        """Whether the client's bytes still say it all."""
        return self._now() == self._was and not self.content_changed()

    def cache_key(self) -> bytes:
        """What it asks for, as bytes: the same for the same."""
        said: Any = self._content if self.content_changed() or not self._raw else self._raw
        return msgspec.json.encode([self._dialect, *self._now(), said], order="deterministic")
