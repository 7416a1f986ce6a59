"""Whatever a provider or a client sends, spoiled in any way: it is read, or it is named as what it is, and nothing else is
ever raised. What was read is well-formed, and every dialect can tell it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from every_dialect import CLIENTS, PROVIDERS
from happenings import check_order
from spoiling import answers, dumped, errors, requests, spoiled, spoiled_stream, streams, wire

from headgate.api import ClientFault, EventSplitter, EventTooLarge, NotStrict, parse_event
from headgate.api.ai import (
    Answer,
    Chat,
    Content,
    Ended,
    Endpoint,
    Failed,
    Garbled,
    Gatherer,
    Happening,
    Message,
    Refusal,
    Text,
    Unsupported,
)

# By hand many more are tried: SPOILED=20000.
ROUNDS = int(os.environ.get("SPOILED", "60"))
CHAT = Chat.made("m", Content([Message("user", [Text("Hi")])]), stream=True)

Try = Callable[[random.Random], object]


def rounds(attempt: Try) -> None:
    """As many as there are to be; what is raised says which one it was."""
    for number in range(ROUNDS):
        try:
            attempt(random.Random(number))
        except Exception as error:
            error.add_note(f"in round {number}")
            raise


def well_formed(value: Any, kind: Any) -> None:
    """Its types are what they are said to be, and it can be written."""
    msgspec.convert(msgspec.to_builtins(value), kind)
    msgspec.json.encode(value)


# --- streams ---------------------------------------------------------------------------------------------------------


def read(provider: str, pieces: list[bytes]) -> list[Happening]:
    """What happens until it ends, fails or makes no sense."""
    reader, found = PROVIDERS[provider].reader(), list[Happening]()
    with suppress(Garbled, EventTooLarge):
        for piece in pieces:
            for _, happenings in reader.feed(piece):
                found += happenings
                if any(isinstance(one, Failed | Ended) for one in happenings):
                    return found
        found += reader.finish()
    return found


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One byte is another, or what is behind it is missing, or it comes twice."""
    at = chance.randrange(len(data) + 1)
    return (
        data[:at]
        + chance.choice([b"", b"\x00", b"\xff", b"{", b'"', b"\r", data[at:]])
        + data[at + chance.randrange(3) :]
    )


def parsed(told: bytes) -> None:
    """The events of a client's stream have JSON in them."""
    splitter = EventSplitter()
    for event in map(parse_event, splitter.feed(told)):
        if event is not None and event.data != b"[DONE]":
            msgspec.json.decode(event.data)
    assert splitter.rest == b""


def tell(client: str, found: list[Happening]) -> None:
    """One client's stream, and at its end that it broke."""
    writer = CLIENTS[client].writer(CHAT, 0.0)
    told = []
    with suppress(Garbled):
        told += [writer.write(one) for one in found]
    parsed(b"".join([*told, writer.write(Failed("It broke.", {"code": "upstream_broken"}))]))


def try_stream(provider: str) -> Try:
    seeds = streams(provider)

    def attempt(chance: random.Random) -> None:
        pieces = wire(provider, spoiled_stream(chance.choice(seeds), chance))
        if chance.random() < 0.2:
            pieces = [damaged(b"".join(pieces), chance)]
        found = read(provider, pieces)
        check_order(found)
        gatherer = Gatherer()
        for one in found:
            well_formed(one, Happening)
            gatherer.take(one)
        well_formed(gatherer.answer(), Answer)
        for client in CLIENTS:
            tell(client, found)

    return attempt


def try_passing(provider: str) -> Try:
    """Where the dialect is the same on both sides, and blocks pass."""
    seeds, out = streams(provider), PROVIDERS[provider]

    def attempt(chance: random.Random) -> None:
        passing = out.passing(hides_counts=chance.random() < 0.5)
        with suppress(Garbled):
            for block in wire(provider, spoiled_stream(chance.choice(seeds), chance)):
                assert isinstance(passing.take(block), bytes)
                if passing.refusal is not None or passing.ended:
                    return
            passing.finish()

    return attempt


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_spoiled_stream_is_read_well_or_called_garbled(provider: str) -> None:
    rounds(try_stream(provider))


@pytest.mark.parametrize("provider", [name for name, out in PROVIDERS.items() if hasattr(out, "passing")])
def test_a_spoiled_stream_passes_or_is_called_garbled(provider: str) -> None:
    rounds(try_passing(provider))


# --- answers ---------------------------------------------------------------------------------------------------------


def try_answer(provider: str) -> Try:
    seeds, out = answers(provider), PROVIDERS[provider]

    def attempt(chance: random.Random) -> None:
        data = dumped(spoiled(chance.choice(seeds), chance))
        refusal = out.refusal(data)
        if refusal is not None:
            well_formed([refusal.message, refusal.fields], tuple[str, dict[str, Any]])
        with suppress(Garbled):
            out.count(data)
        with suppress(Garbled):
            answer = out.answer(data)
            well_formed(answer, Answer)
            for client in CLIENTS.values():
                msgspec.json.decode(client.render(answer, CHAT, 0.0))

    return attempt


def try_error(provider: str) -> Try:
    """An error of any provider, for they stand before one another."""
    seeds, out = errors(), PROVIDERS[provider]

    def attempt(chance: random.Random) -> None:
        refusal = out.refusal(dumped(spoiled(chance.choice(seeds), chance)), [])
        if refusal is not None:
            well_formed(refusal, Refusal)

    return attempt


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_spoiled_error_is_understood_or_it_is_not(provider: str) -> None:
    rounds(try_error(provider))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "No", "details": [{"fieldViolations": ["x"]}]}},
        {"error": {"message": "No", "details": [{"fieldViolations": 3}]}},
        {"detail": [{"loc": 1}]},
        {"detail": [{"loc": 1, "msg": "No"}]},
        {"error": {"message": "No", "code": [1], "type": {}, "param": 3}},
        {"message": "No", "code": {}},
    ],
)
def test_an_error_that_is_not_as_its_dialect_has_it_raises_nothing(provider: str, body: Any) -> None:
    refusal = PROVIDERS[provider].refusal(dumped(body), [])
    assert refusal is None or isinstance(refusal.message, str)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_spoiled_answer_is_read_well_or_called_garbled(provider: str) -> None:
    rounds(try_answer(provider))


# --- requests --------------------------------------------------------------------------------------------------------


def try_request(client: str) -> Try:
    seeds, inbound = requests(client), CLIENTS[client]

    def attempt(chance: random.Random) -> None:
        path, query, body = chance.choice(seeds)
        try:
            chat = inbound.read(dumped(spoiled(body, chance)), path, query)
            content = chat.content()
        except (NotStrict, ClientFault):
            return
        well_formed(content, Content)
        chat.model = "m-2"
        for out in PROVIDERS.values():
            with suppress(Unsupported):
                msgspec.json.decode(out.write(chat, Endpoint("m-2")).body)

    return attempt


@pytest.mark.parametrize("client", CLIENTS)
def test_a_spoiled_request_is_read_well_or_is_the_clients_fault(client: str) -> None:
    rounds(try_request(client))
