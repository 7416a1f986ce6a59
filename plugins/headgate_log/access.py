"""The access log: one line for each exchange, on stderr, written behind the requests' backs.

1. `add` is an append to a list. Formatting and writing happen in a thread, a batch at a time, so that a terminal that
   was stopped or a full pipe holds up nobody's request.
2. The list is bounded. Lines that found no room are counted, and the next batch says how many they were.
3. At the close everything that is left is written, within `CLOSE_S`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, TextIO

import trio

from headgate_log.lines import json_line, json_remark, text_line

Row = Mapping[str, Any]
Format = Callable[[Row], str]

# Short enough to read along, long enough that a busy node writes a hundred lines at once.
EVERY_S = 0.08
# At ten thousand requests a second, five seconds of a reader that does not read.
ROOM = 50_000
CLOSE_S = 2.0


class AccessLog:
    """A sink that prints. `written` and `dropped` count lines."""

    def __init__(
        self, stream: TextIO, format_row: Format, *, room: int = ROOM, format_remark: Callable[[str], str] = str
    ) -> None:
        self._stream = stream
        self._format = format_row
        self._remark = format_remark
        self._room = room
        self._rows: list[Row] = []
        self._unsaid = 0
        self.written = 0
        self.dropped = 0

    def __repr__(self) -> str:
        return f"<AccessLog [{len(self._rows)} waiting, {self.written} written, {self.dropped} dropped]>"

    @classmethod
    def to_stderr(cls, form: Literal["text", "json"]) -> AccessLog:
        """As the settings want it; in colour where a person watches (and did not say NO_COLOR)."""
        stream = sys.stderr
        if form == "json":
            return cls(stream, json_line, format_remark=json_remark)
        terminal = stream.isatty()
        colour = terminal and "NO_COLOR" not in os.environ
        return cls(stream, lambda row: text_line(row, colour=colour, dated=not terminal))

    def add(self, row: Row) -> None:
        """Take a row. Never waits, never fails."""
        if len(self._rows) < self._room:
            self._rows.append(row)
        else:
            self.dropped += 1
            self._unsaid += 1

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write while inside; what is left is written at the end."""
        stop = trio.Event()
        # Cancelling the node must not tear a batch that a thread has begun; only the deadline of the close may.
        scope = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_until, stop, scope)
            try:
                yield
            finally:
                stop.set()
                scope.deadline = trio.current_time() + CLOSE_S

    async def _write_until(self, stop: trio.Event, scope: trio.CancelScope) -> None:
        with scope:
            while not stop.is_set():
                with trio.move_on_after(EVERY_S):
                    await stop.wait()
                await self.flush()
            await self.flush()

    async def flush(self) -> None:
        """Write what is there. A thread that the stream holds up is left behind when this is cancelled."""
        if not self._rows and not self._unsaid:
            return
        rows, self._rows = self._rows, []
        unsaid, self._unsaid = self._unsaid, 0
        await trio.to_thread.run_sync(self._write, rows, unsaid, abandon_on_cancel=True)

    def _line(self, row: Row) -> str:
        """A row that cannot be shown must not take the others with it, and the node least of all."""
        try:
            return self._format(row)
        except Exception as error:
            return self._remark(f"the line of request {row.get('id')!r} cannot be shown: {type(error).__name__}")

    def _write(self, rows: Sequence[Row], unsaid: int) -> None:
        lines = [self._line(row) for row in rows]
        if unsaid:
            said = f"{unsaid} lines of the access log were dropped: whoever reads it does not keep up"
            lines.append(self._remark(said))
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody is left to tell: stderr itself is gone.
            self.dropped += len(rows)
        else:
            self.written += len(rows)
