"""h2's state of a connection, with a GOAWAY that is no end. The only file that makes one.

A GOAWAY says which streams were taken; those run on (RFC 9113 §6.8). h2 closes the whole connection on sending and on
receiving one, and throws away what was about to go out, so here both are frames and nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from h2.exceptions import FrameTooLargeError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import Frame, GoAwayFrame, SettingsFrame

if TYPE_CHECKING:
    from headgate.http2.sizes import Sizes

Lines = Sequence[tuple[bytes, bytes]]
_KNOWN = frozenset(int(code) for code in SettingCodes)


class Machine(H2Connection):
    """The state of one connection: bytes in, events out, and the other way round."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        event = ConnectionTerminated()
        event.last_stream_id = frame.last_stream_id
        event.error_code = frame.error_code
        return [], [event]

    def _receive_settings_frame(self, frame: SettingsFrame) -> tuple[list[Frame], list[Event]]:
        # Unknown ones are to be ignored (RFC 9113 §6.5.2). h2 keeps them for ever, and goes through them at each frame.
        frame.settings = {code: value for code, value in frame.settings.items() if code in _KNOWN}
        return super()._receive_settings_frame(frame)

    @property
    def open_inbound_streams(self) -> int:
        """Half of those that are open: beyond the limit h2 ends the connection, where we refuse the stream (`dispatch`)."""
        return super().open_inbound_streams // 2

    def check_next(self) -> None:
        """Refuse a frame by its length as soon as that is known: h2 waits until all of it is here, which may be 16 MiB."""
        buffer = self.incoming_buffer
        begun = bytes(buffer._data[:3])
        if len(begun) == 3 and int.from_bytes(begun, "big") > buffer.max_frame_size:
            raise FrameTooLargeError("a frame is longer than was granted")

    def go_away(self, last_stream: int, code: ErrorCodes = ErrorCodes.NO_ERROR) -> None:
        """Say which streams were or will be taken: those up to `last_stream`."""
        frame = GoAwayFrame(0)
        frame.last_stream_id = last_stream
        frame.error_code = code
        self._prepare_for_sending([frame])


def machine(sizes: Sizes, *, client: bool) -> Machine:
    """A connection that has not begun, with our settings. Header lines are bytes, and checked by who makes them."""
    config = H2Configuration(
        client_side=client, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
    )
    made = Machine(config)
    values = {
        SettingCodes.INITIAL_WINDOW_SIZE: sizes.window_bytes,
        SettingCodes.MAX_HEADER_LIST_SIZE: sizes.header_bytes,
        SettingCodes.MAX_CONCURRENT_STREAMS: sizes.streams,
        SettingCodes.HEADER_TABLE_SIZE: 4096,
        SettingCodes.ENABLE_PUSH: 0,
    }
    if not client:
        del values[SettingCodes.ENABLE_PUSH]
        values[SettingCodes.ENABLE_CONNECT_PROTOCOL] = 1  # RFC 8441
    made.local_settings = Settings(client=client, initial_values=values)
    return made
