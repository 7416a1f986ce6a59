"""Whether what a reader says holds to the order that writers rely on (headgate.contracts.ai.events)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headgate.api.ai import Began, Closed, Ended, EventReader, Failed, Happening, Opened, Pinged, Stopped, Used


def happenings(reader: EventReader, pieces: Iterable[bytes]) -> list[Happening]:
    """All that happens in a stream that comes in these pieces, its end included, in a legal order."""
    found: list[Happening] = []
    for piece in pieces:
        for _, happened in reader.feed(piece):
            found += happened
    found += reader.finish()
    check_order(found)
    return found


def check_order(found: list[Happening]) -> None:
    """Each rule of the order, asserted."""
    open_parts: set[tuple[int, int]] = set()
    counts: dict[int, int] = {}
    stopped: set[int] = set()
    for place, one in enumerate(found):
        assert isinstance(one, (Began, Pinged, Failed)) or any(isinstance(before, Began) for before in found[:place])
        if isinstance(one, Began):
            assert not any(isinstance(before, Began) for before in found[:place])
        elif isinstance(one, Opened):
            assert one.index == counts.get(one.choice, 0), "parts are numbered in the order in which they open"
            assert one.choice not in stopped
            counts[one.choice] = one.index + 1
            open_parts.add((one.choice, one.index))
        elif isinstance(one, Closed):
            open_parts.remove((one.choice, one.index))
        elif isinstance(one, Stopped):
            assert not any(choice == one.choice for choice, _ in open_parts), "a choice stops when its parts are closed"
            assert one.choice not in stopped
            stopped.add(one.choice)
        elif isinstance(one, Ended):
            assert one is found[-1] or all(isinstance(after, Used) for after in found[place + 1 :])
            assert not open_parts
        elif not isinstance(one, (Used, Pinged, Failed)):
            delta: Any = one
            assert (delta.choice, delta.index) in open_parts, "a part grows while it is open"


def every_cut(data: bytes) -> list[list[bytes]]:
    """The stream whole, byte by byte, and cut in two at every byte."""
    return [
        [data],
        [data[at : at + 1] for at in range(len(data))],
        *([data[:at], data[at:]] for at in range(1, len(data))),
    ]
