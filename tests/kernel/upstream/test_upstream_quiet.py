"""Whether a connection is quiet, as the kernel counts and as a poll sees it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from headgate.upstream import quiet as module
from headgate.upstream.quiet import Quiet

WAYS = ["counted", "asked"]


@pytest.fixture(params=WAYS)
def pair(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[socket.socket, socket.socket]]:
    if request.param == "asked":
        monkeypatch.setattr(module, "_OPTION", None)
    elif module._OPTION is None:
        pytest.skip("this system does not tell what it has counted: everything is asked")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def settled(ours: socket.socket) -> None:
    """Wait until what was done at the other side has come."""
    ours.setblocking(True)
    ours.recv(1, socket.MSG_PEEK)
    ours.setblocking(False)


def test_a_connection_on_which_nothing_came_is_quiet(pair: tuple[socket.socket, socket.socket]) -> None:
    assert Quiet(pair[0])()


def test_what_was_read_is_quiet_again_and_what_was_not_is_not(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    quiet = Quiet(ours)
    for size in (1, 5000):
        theirs.sendall(b"x" * size)
        settled(ours)
        assert not quiet()
        ours.setblocking(True)
        assert len(ours.recv(size, socket.MSG_WAITALL)) == size
        ours.setblocking(False)
        quiet.read += size
        assert quiet()


def test_an_end_is_not_quiet(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.shutdown(socket.SHUT_WR)
    settled(ours)
    assert not Quiet(ours)()


def test_a_reset_is_not_quiet(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    with pytest.raises(ConnectionResetError):
        settled(ours)
    assert not Quiet(ours)()


def test_a_socket_that_we_closed_is_not_quiet(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].close()
    assert not Quiet(pair[0])()


def test_a_kernel_that_does_not_count_is_not_believed(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    quiet = Quiet(ours)
    quiet.read = 1  # more than the kernel says that there was
    assert quiet()
    theirs.sendall(b"x")
    settled(ours)
    quiet.read = 2
    assert not quiet()
