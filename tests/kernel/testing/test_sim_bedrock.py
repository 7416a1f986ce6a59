"""AWS's own client, signing its requests, talks to the simulator of Bedrock, and to its troubles."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session
import httpx
import pytest
import trio
import urllib3.exceptions

from headgate.testing.providers import Bedrock, Call, Citation, Fails, Json, Manners, Says, Text, Thought, Tokens

HI = [{"role": "user", "content": [{"text": "Hi"}]}]
WEATHER = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}
TOOLS = {"tools": [WEATHER]}
TWO = (Call("weather", {"city": "Oslo"}), Call("weather", {"city": "Rome"}))
MODEL = "anthropic.claude-x:0"


@functools.cache
def session() -> Any:
    """One for all tests: it reads the model of the service once."""
    return botocore.session.Session()


async def called(sim: Bedrock, act: Callable[[Any], Any], *, secret: str = "", **more: Any) -> Any:
    def work() -> Any:
        client = session().create_client(
            "bedrock-runtime",
            endpoint_url=sim.url,
            region_name=more.get("region", sim.credentials.region),
            aws_access_key_id=more.get("access_key", sim.credentials.access_key),
            aws_secret_access_key=secret or sim.credentials.secret_key,
            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=10),
        )
        try:
            return act(client)
        finally:
            client.close()

    return await trio.to_thread.run_sync(work)


async def converse(sim: Bedrock, **more: Any) -> Any:
    return await called(sim, lambda client: client.converse(**{"modelId": MODEL, "messages": HI, **more}))


async def events(sim: Bedrock, **more: Any) -> list[Any]:
    def listen(client: Any) -> list[Any]:
        stream = client.converse_stream(**{"modelId": MODEL, "messages": HI, **more})["stream"]
        try:
            return list(stream)
        finally:
            stream.close()

    return await called(sim, listen)


@pytest.fixture
async def sim(nursery: trio.Nursery) -> Bedrock:
    return await Bedrock(key="bearer-key").start(nursery)


def deltas(got: list[Any], index: int) -> list[dict[str, Any]]:
    blocks = [event["contentBlockDelta"] for event in got if "contentBlockDelta" in event]
    return [block["delta"] for block in blocks if block["contentBlockIndex"] == index]


async def test_an_answer_comes_whole_and_in_frames(sim: Bedrock) -> None:
    sim.says(Says("Hello, all of you", tokens=Tokens(11, 7, cached=4)))
    got = await converse(sim)
    assert got["output"]["message"]["content"] == [{"text": "Hello, all of you"}]
    assert (got["stopReason"], got["usage"]["inputTokens"], got["usage"]["cacheReadInputTokens"]) == ("end_turn", 7, 4)
    got = await events(sim)
    assert "".join(delta["text"] for delta in deltas(got, 0)) == "Hello, all of you"
    assert [*got[0], *got[-2], *got[-1]] == ["messageStart", "messageStop", "metadata"]
    assert got[-1]["metadata"]["usage"]["outputTokens"] == 7
    assert sim.billed == Tokens(22, 14, cached=8)


async def test_thinking_and_parallel_tools(sim: Bedrock) -> None:
    sim.says(Says((Thought("Hm, two.", "c2ln"), "Let me see.", *TWO)))
    content = (await converse(sim, toolConfig=TOOLS))["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["reasoningText"] == {"text": "Hm, two.", "signature": "c2ln"}
    assert [block["toolUse"]["input"] for block in content[2:]] == [{"city": "Oslo"}, {"city": "Rome"}]
    got = await events(sim, toolConfig=TOOLS)
    assert deltas(got, 0)[-1] == {"reasoningContent": {"signature": "c2ln"}}
    assert "".join(delta["toolUse"]["input"] for delta in deltas(got, 3)) == '{"city": "Rome"}'
    starts = [event["contentBlockStart"]["start"] for event in got if "contentBlockStart" in event]
    assert [start["toolUse"]["name"] for start in starts] == ["weather", "weather"]


async def test_a_whole_tool_round(sim: Bedrock) -> None:
    sim.says(Says(TWO), Says("Cold and warm"))
    first = (await converse(sim, toolConfig=TOOLS))["output"]["message"]
    uses = [block["toolUse"]["toolUseId"] for block in first["content"]]
    results = [{"toolResult": {"toolUseId": use, "content": [{"text": "fine"}]}} for use in uses]
    turns = [*HI, first, {"role": "user", "content": results}]
    got = await converse(sim, messages=turns, toolConfig=TOOLS)
    assert got["output"]["message"]["content"][0]["text"] == "Cold and warm"


async def test_citations_json_and_early_ends(sim: Bedrock) -> None:
    sim.says(Says(Text("So it is.", (Citation("it", "A book", end=2),)), stop="length"), Says(Json([1]), stop="filter"))
    got = await converse(sim)
    assert got["output"]["message"]["content"][0]["citationsContent"]["citations"][0]["title"] == "A book"
    assert got["stopReason"] == "max_tokens"
    assert (await converse(sim))["stopReason"] == "content_filtered"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("limited", "ThrottlingException"),
        ("credit", "ServiceQuotaExceededException"),
        ("key", "UnrecognizedClientException"),
        ("forbidden", "AccessDeniedException"),
        ("model", "ResourceNotFoundException"),
        ("too_long", "ValidationException"),
        ("server", "InternalServerException"),
        ("overloaded", "ServiceUnavailableException"),
    ],
)
async def test_each_kind_of_failure_is_the_error_that_the_client_has_for_it(sim: Bedrock, kind: Any, code: str) -> None:
    sim.says(Fails(kind))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        await converse(sim)
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"secret": "another"}, "InvalidSignatureException"),
        ({"region": "eu-west-1"}, "InvalidSignatureException"),
        ({"access_key": "AKIAANOTHER"}, "UnrecognizedClientException"),
    ],
)
async def test_a_wrong_signature_is_refused(sim: Bedrock, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        await called(sim, lambda client: client.converse(modelId=MODEL, messages=HI), **wrong)
    assert caught.value.response["Error"]["Code"] == code


async def posted(sim: Bedrock, body: Any, authorization: str = "Bearer bearer-key") -> httpx.Response:
    url = f"{sim.url}/model/m/converse"
    headers = {"authorization": authorization} if authorization else {}
    return await trio.to_thread.run_sync(lambda: httpx.post(url, json=body, headers=headers))


async def test_a_bearer_key_is_as_good_as_a_signature(sim: Bedrock) -> None:
    assert (await posted(sim, {"messages": HI})).status_code == 200
    assert (await posted(sim, {"messages": HI}, "Bearer other")).status_code == 403
    assert (await posted(sim, {"messages": HI}, "AWS4-HMAC-SHA256 nonsense")).status_code == 403
    assert (await posted(sim, {"messages": HI}, "")).status_code == 403


def turns(*messages: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": [block]} for role, block in messages], "toolConfig": TOOLS}


USE = {"toolUse": {"toolUseId": "a", "name": "weather", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "a", "content": [{"text": "x"}]}}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": HI, "max_tokens": 1}, "extraneous key [max_tokens]"),
        ({"messages": HI, "inferenceConfig": {"temperature": 3}}, "between"),
        ({"messages": [{"role": "tool", "content": []}]}, "one of [user, assistant"),
        ({"messages": [{"role": "user"}]}, "must not be null"),
        ({"messages": [{"role": "user", "content": [{"text": "a", "toolUse": USE["toolUse"]}]}]}, "exactly one of"),
        ({"messages": HI, "toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {}}}]}}, "a match of"),
        ({"messages": []}, "must start with a user message"),
        (turns(("assistant", {"text": "x"})), "must start with a user message"),
        (turns(("user", {"text": "x"}), ("user", {"text": "x"})), "must alternate"),
        (turns(("user", {"text": " "})), "is blank"),
        ({"messages": [{"role": "user", "content": []}]}, "is empty"),
        (turns(("user", {"text": "x"}), ("assistant", USE), ("user", {"text": "x"})), "Expected toolResult blocks"),
        (turns(("user", {"text": "x"}), ("assistant", USE)), "Expected toolResult blocks"),
        (turns(("user", RESULT)), "exceeds the number of toolUse blocks"),
        (
            {**turns(("user", {"text": "x"}), ("assistant", USE), ("user", RESULT)), "toolConfig": None},
            "toolConfig",
        ),
    ],
)
async def test_what_bedrock_would_refuse_is_refused(sim: Bedrock, body: dict[str, Any], sentence: str) -> None:
    got = await posted(sim, body)
    assert got.status_code == 400
    assert sentence in got.json()["message"]


@pytest.mark.parametrize("size", [1, 7])
async def test_frames_can_be_cut_anywhere(sim: Bedrock, size: int) -> None:
    sim.says(Says("Hällo, all", manners=Manners(cut_bytes=size)))
    assert "".join(delta["text"] for delta in deltas(await events(sim), 0)) == "Hällo, all"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("reset", urllib3.exceptions.ProtocolError),
        ("close", urllib3.exceptions.ProtocolError),
        ("error", botocore.exceptions.EventStreamError),
    ],
)
async def test_a_stream_that_dies_has_billed_what_it_had_produced(sim: Bedrock, how: Any, error: Any) -> None:
    sim.says(Says("123456" * 4, tokens=Tokens(10, 8), manners=Manners(dies_after=3, how=how)))
    with pytest.raises(error):
        await events(sim)
    assert sim.billed == Tokens(10, 4)


def test_credentials_do_not_show_their_secret() -> None:
    assert "secret" not in repr(Bedrock().credentials)
