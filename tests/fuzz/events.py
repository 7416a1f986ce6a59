"""Server-sent events: blocks put together are the stream again, however it was cut, and an event that is written reads the same."""

from __future__ import annotations

from tests.fuzz.running import run

from headgate.message.sse import EventSplitter, parse_event, render_event

SEEDS = (
    b"data: a\n\nevent: x\ndata: b\ndata: c\n\n: comment\n\n",
    b"\xef\xbb\xbfdata:a\r\n\r\nid: 1\rdata\r\rdata: b\n\r\n\n\n",
    b"data: [DONE]\n\ndata",
)


def fuzz(data: bytes) -> None:
    """One stream."""
    whole = blocks(data, len(data) or 1)
    for step in (1, 2, 5):
        assert blocks(data, step) == whole
    assert b"".join(whole) == data
    for block in whole[:-1]:
        event = parse_event(block)
        if event is None:
            continue
        assert not set(b"\r\n") & set(event.event)
        again = parse_event(render_event(event.data, event.event))
        assert again is not None
        assert (again.data, again.event) == (event.data, event.event)
        if b"\r" not in block:
            assert parse_event(block.replace(b"\n", b"\r\n")) == event


def blocks(data: bytes, step: int) -> list[bytes]:
    """Every block, and what is left at the end."""
    splitter = EventSplitter()
    found: list[bytes] = []
    for at in range(0, len(data), step):
        found += splitter.feed(data[at : at + step])
    return [*found, splitter.rest]


if __name__ == "__main__":
    run("events")
