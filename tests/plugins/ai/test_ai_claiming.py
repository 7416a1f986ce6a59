"""The id of a streamed answer that its provider keeps, found beside its way to the client."""

from __future__ import annotations

import json

import pytest

from headgate.message import sse
from headgate_ai.claiming import Named


class Pieces:
    """A body that comes in pieces of one size."""

    length = None

    def __init__(self, data: bytes, size: int) -> None:
        self._pieces = iter([data[at : at + size] for at in range(0, len(data), size)])

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    async def aclose(self) -> None:
        pass


def created(size: int = 3) -> bytes:
    said = {"type": "response.created", "response": {"id": "resp_1", "instructions": "x" * size}}
    return b"event: response.created\ndata: " + json.dumps(said).encode() + b"\n\n"


async def named(data: bytes, size: int) -> str | None:
    body, came = Named(Pieces(data, size)), b""
    while piece := await body.read():
        came += piece
    assert came == data
    return body.id


LATER = b'data: {"type": "response.completed", "response": {"id": "resp_2"}}\n\n'


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    "stream",
    [
        created(),
        created().replace(b"\n", b"\r"),
        created().replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + created(),
        b"\xef\xbb\xbf" + created().partition(b"\n")[2],
        b": keepalive\n\n" + created(),
        b'event: keepalive\ndata: {"type": "keepalive"}\n\n' + created(),
        b"data: [1]\n\n" + b'data: {"response": {"id": 3}}\n\n' + b'data: {"response": {}\n\n' + created(),
    ],
)
async def test_the_id_is_found_in_any_framing_and_behind_signs_of_life(stream: bytes, size: int) -> None:
    assert await named(stream + LATER, size) == "resp_1"


async def test_a_stream_that_names_nothing_has_no_id() -> None:
    assert await named(b'data: {"type": "response.output_text.delta", "delta": "resp_1"}\n\n' * 3, 10) is None


async def test_an_event_beyond_the_bound_has_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse.EventSplitter.__init__, "__defaults__", (1000,))
    assert await named(created(2000), 100) is None


async def test_each_byte_is_looked_at_a_constant_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = 0
    decode = sse.parse_event

    def count(block: bytes) -> sse.Event | None:
        nonlocal parsed
        parsed += len(block)
        return decode(block)

    monkeypatch.setattr("headgate_ai.claiming.parse_event", count)
    first = created(900_000)
    assert await named(first + LATER * 100, 350) == "resp_1"
    assert parsed == len(first)
