"""h11's reading of the same bytes: in this process, and there wherever Headgate is."""

from __future__ import annotations

import h11

from peers.reading import Entry, Reading, entry


def read(data: bytes) -> Reading:
    """As `peers.reading.read`, of a server that is h11 and answers 200 to everything."""
    connection = h11.Connection(h11.SERVER)
    entries: list[Entry | None] = []
    try:
        connection.receive_data(data)
        while True:
            found = _next(connection)
            if found is None:
                return Reading(tuple(entries), waiting=True)
            entries.append(found)
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            if connection.our_state is h11.SWITCHED_PROTOCOL:
                return Reading(tuple(entries), waiting=False)  # CONNECT: what follows is no HTTP to it.
            connection.send(h11.EndOfMessage())
            if connection.our_state is h11.MUST_CLOSE:
                return Reading(tuple(entries), waiting=False)
            connection.start_next_cycle()
    except h11.RemoteProtocolError:
        return Reading((*entries, None), waiting=False)


def _next(connection: h11.Connection) -> Entry | None:
    """The next whole request; None where more would have to come."""
    request, body = None, b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            assert request is not None
            host = dict(request.headers).get(b"host", b"")
            said = (request.method, request.target, host, body)
            method, target, host_said, body_said = (bytes(one).decode("latin-1") for one in said)
            return entry(method, target, host_said, body_said)
        else:
            return None
