"""What providers and clients say, spoiled in every way that JSON and events can be.

1. The seeds are what the simulators send for answers with everything in them, and the requests that the dialects write.
2. A value is spoiled at some places: another type, a field gone, a number that nobody expects, a text that is no text, a
   value of another place, nesting without end. A stream is spoiled in its order too: events gone, twice, swapped.
3. All of it comes from one number, so that what was found can be found again.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any, Final

from every_dialect import PROVIDERS

from headgate.api.ai import (
    Chat,
    Content,
    Endpoint,
    Format,
    Image,
    Media,
    Message,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from headgate.message.headers import Headers
from headgate.testing.providers import (
    Anthropic,
    Bedrock,
    Call,
    Citation,
    Cohere,
    Gemini,
    Mistral,
    OpenAI,
    Refusal,
    Says,
    Thought,
    Tokens,
)
from headgate.testing.providers.asking import Asked, Turn
from headgate.testing.providers.says import Text as Words
from headgate.testing.providers.simulator import Simulator
from headgate_bedrock.eventstream import FrameSplitter, encode

SIMULATORS: Final[dict[str, type[Simulator]]] = {
    "openai": OpenAI, "openai-responses": OpenAI, "anthropic": Anthropic, "gemini": Gemini, "mistral": Mistral,
    "cohere": Cohere, "bedrock": Bedrock,
}  # fmt: skip
SAID: Final = [
    Says("Hello to all."),
    Says(
        (Thought("Let me think."), "Let me see.", Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Köln"})),
        tokens=Tokens(20, 10, 5, 0, 3),
    ),
    Says((Words("It is so.", (Citation("It is", "A book", "http://x/b", 0, 0, 5),)),), stop="length"),
    Says((Refusal("I will not."),)),
]
WEATHER: Final = Tool("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})

ASKED: Final = Content([Message("user", [Text("How is the weather?")])], tools=[WEATHER])
RICH: Final = Content(
    [
        Message("system", [Text("Be kind.")]),
        Message("user", [Text("How is the weather?"), Image(media=Media(mime="image/png", data="iVBORw0KGgo="))]),
        Message(
            "assistant",
            [
                Text("Let me see."), ToolCall(id="call_00001", name="weather", arguments='{"city": "Oslo"}'),
                ToolCall(id="call_00002", name="weather", arguments='{"city": "Rome"}'),
            ],
        ),
        Message("tool", [ToolResult(id="call_00001", parts=[Text("Rain")], name="weather"),
                         ToolResult(id="call_00002", parts=[Text("Sun")], name="weather")]),
    ],
    tools=[WEATHER], tool_choice=ToolChoice("auto"), stop=["END"], seed=1, top_k=3, presence_penalty=0.5,
    frequency_penalty=0.5, format=Format("schema", "place", {"type": "object"}, strict=True), logprobs=True,
    top_logprobs=2, user="u", thinking=Thinking("low"), metadata={"a": "b"}, parallel_tools=True,
)  # fmt: skip

Event = tuple[dict[str, str], Any]


def asking(provider: str, *, stream: bool, content: Content = ASKED) -> Asked:
    """A request of this provider's dialect, as it comes to it."""
    chat = Chat.made("m-1", content, stream=stream, max_tokens=100, temperature=0.5, top_p=0.5)
    written = PROVIDERS[provider].write(chat, Endpoint("m-1"))
    path, _, query = written.path.decode().partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&") if pair)
    return Asked("POST", path, pairs, Headers(), json.loads(written.body), written.body)


def replies(provider: str, *, stream: bool) -> Iterator[Any]:
    simulator = SIMULATORS[provider]()
    asked = asking(provider, stream=stream)
    end = asked.path[asked.path.index("/", 4) :] if asked.path.startswith(("/v1", "/v2")) else asked.path
    ends = [base + end for base in ("", "/v1", "/v1beta", "/v2")]
    endpoints = [
        one for one in simulator.endpoints()
        if one.method == "POST" and any(one.pattern.fullmatch(known) for known in ends)
    ]  # fmt: skip
    for number, says in enumerate(SAID):
        yield endpoints[0].reply(Turn(asked, says, says.counted(100), number))


def streams(provider: str) -> list[list[Event]]:
    """What it sends: each event's headers or type, and its JSON, or its text where it is none."""
    found = []
    for reply in replies(provider, stream=True):
        frames = b"".join(frame.data for frame in reply.frames)
        found.append(_binary(frames) if provider == "bedrock" else _events(frames))
    return found


def answers(provider: str) -> list[Any]:
    """What it answers whole."""
    return [json.loads(reply.body) for reply in replies(provider, stream=False)]


def errors() -> list[Any]:
    """What every provider says when it refuses, with everything in it that is looked at."""
    problem = {"loc": ["body", "messages", 0], "msg": "No", "type": "missing"}
    violation = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents"}]}
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "d"}
    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}
    google = {"code": 429, "message": "No", "status": "RESOURCE_EXHAUSTED", "details": [violation, info, wait]}
    return [
        {"error": google},
        [{"error": google}],
        {"error": {"message": "No", "type": "invalid_request_error", "param": "messages", "code": "bad"}},
        {"type": "error", "error": {"type": "overloaded_error", "message": "No"}, "request_id": "r"},
        {"object": "error", "message": {"detail": [problem]}, "type": "invalid", "param": "x", "code": "3"},
        {"detail": [problem]},
        {"detail": "No"},
        {"id": "i", "message": "No"},
        {"__type": "com.amazon#ThrottlingException:http://x", "Message": "No", "code": "x"},
    ]


def requests(client: str) -> list[tuple[str, dict[str, str], Any]]:
    """What clients of a dialect send: path, query and body."""
    asked = [asking(client, stream=stream, content=RICH) for stream in (False, True)]
    return [(one.path, one.query, one.body) for one in asked]


def _binary(data: bytes) -> list[Event]:
    return [(frame.headers, json.loads(frame.payload)) for _, frame in FrameSplitter().feed(data)]


def _events(data: bytes) -> list[Event]:
    found: list[Event] = []
    for block in data.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line)
        if "data" in fields:
            text = fields.pop("data")
            found.append((fields, text if text == "[DONE]" else json.loads(text)))
    return found


def wire(provider: str, events: list[Event]) -> list[bytes]:
    """Events as the provider sends them."""
    if provider == "bedrock":
        return [encode(headers, dumped(body)) for headers, body in events]
    return [
        b"".join(f"{name}: {value}\n".encode() for name, value in fields.items())
        + b"data: " + (body.encode() if body == "[DONE]" else dumped(body)) + b"\n\n"
        for fields, body in events
    ]  # fmt: skip


# --- spoiling --------------------------------------------------------------------------------------------------------

DEEP: Final = "@deep@"
JUNK: Final[list[Any]] = [
    None, True, False, 0, 1, -1, 7, -(2**63), 2**63, 2**64, 10**40, 0.5, -0.5, 1e308, float("nan"), float("inf"), "", "x",
    "\ud800", "a\udfffb", "\x00", "\r\n\n", "0", "null", "é" * 50, [], {}, [[]], [{}], [None], {"a": 1}, {"type": "text"},
    {"type": []}, [{"type": "x"}], DEEP,
]  # fmt: skip
NAMES: Final = ["type", "text", "id", "index", "content", "error", "message", "name", "arguments", "input", "usage"]


def dumped(value: Any) -> bytes:
    """As JSON, NaN and half of a surrogate included."""
    return json.dumps(value).replace(f'"{DEEP}"', "[" * 3000 + "]" * 3000).encode()


def places(value: Any) -> list[tuple[Any, Any]]:
    """All places in a value, each as the object or list that has it and its key."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += [(value, key), *places(inner)]
    return found


def spoiled(value: Any, chance: random.Random) -> Any:
    """A copy, spoiled at one to three places."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice([1, 1, 2, 3])):
        known = places(value)
        if not known or chance.random() < 0.02:
            return copy.deepcopy(chance.choice(JUNK))
        holder, key = chance.choice(known)
        _spoil(holder, key, known, chance)
    return value


def _spoil(holder: Any, key: Any, known: list[tuple[Any, Any]], chance: random.Random) -> None:
    match chance.randrange(6):
        case 0 | 1 | 2:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
        case 3:
            del holder[key]
        case 4:
            other, place = chance.choice(known)
            holder[key] = copy.deepcopy(other[place])
        case 5 if isinstance(holder, dict):
            holder[chance.choice(NAMES)] = copy.deepcopy(chance.choice([holder[key], *JUNK]))
        case _:
            holder.insert(key, copy.deepcopy(holder[key])) if isinstance(holder, list) else holder.clear()


def spoiled_stream(events: list[Event], chance: random.Random) -> list[Event]:
    """A stream of which some events are spoiled, or out of their order."""
    events = list(events)
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(events))
        match chance.randrange(8):
            case 0:
                del events[at]
            case 1:
                events.insert(chance.randrange(len(events)), events[at])
            case 2:
                other = chance.randrange(len(events))
                events[at], events[other] = events[other], events[at]
            case 3:
                events[at] = ({name: chance.choice(["x", "error", value]) for name, value in events[at][0].items()}, events[at][1])  # fmt: skip
            case _:
                events[at] = (events[at][0], spoiled(events[at][1], chance))
        if not events:
            break
    return events
