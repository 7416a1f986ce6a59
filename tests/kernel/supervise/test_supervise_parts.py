"""The parts of a node of several processes, each by itself."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.supervise import building, frames
from headgate.supervise.building import Building
from headgate.supervise.cores import usable_cores
from headgate.supervise.deaths import MOST_S, Deaths
from headgate.supervise.fork import how_it_ended
from headgate.supervise.frames import Frames, Message, encode
from headgate.supervise.loop import Loop
from headgate.supervise.reloading import Refusal, Reloads, Result
from headgate.supervise.upgrade import VARIABLE, handed_down
from headgate.supervise.worker import _Worker
from headgate.wire.binds import open_binds
from headgate.wire.health import Condition, respond

# --- deaths ----------------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_now_and_then_is_replaced_at_once() -> None:
    deaths = Deaths()
    assert [deaths.pause(at * 4.0) for at in range(50)] == [0.0] * 50


def test_those_that_die_one_after_the_other_are_replaced_ever_later() -> None:
    deaths, now, pauses = Deaths(), 0.0, []
    for _ in range(12):
        pauses.append(deaths.pause(now))
        now += pauses[-1] + 0.1
    assert pauses == [0, 0, 0, 0, 1, 2, 4, 8, 16, MOST_S, MOST_S, MOST_S]
    assert repr(deaths) == "<Deaths 12 of late, pause 30 s>"
    assert deaths.pause(now + 400) == 0.0, "after a quiet time it is as if nothing had been"


# --- what is said ----------------------------------------------------------------------------------------------------

MESSAGES: list[Message] = [
    frames.Started(1, "hello", ("a", "b")), frames.Serving(2), frames.Beat(1, 2, 3, 4, 5, True), frames.Prepared(3),
    frames.Refused(3, "no"), frames.Failed("why", 2), frames.Go(), frames.Prepare(4, b"x" * 3000), frames.Commit(4),
    frames.Abort(4), frames.Drain(0.5), frames.Lead(), frames.Build(), frames.Built(b"p", True, "s", "t", 1, "h"),
]  # fmt: skip


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=40))
def test_messages_come_out_whole_however_their_bytes_arrive(sizes: list[int]) -> None:
    data, taken, found = b"".join(map(encode, MESSAGES)), Frames(), []
    place = 0
    while place < len(data):
        size = sizes[len(found) % len(sizes)]
        found += taken.feed(data[place : place + size])
        place += size
    assert found == MESSAGES


# --- reloads ---------------------------------------------------------------------------------------------------------


class Told:
    """A worker that only notes what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[Message] = []

    def send(self, message: Message) -> None:
        self.told.append(message)


class Bed:
    """Reloads over workers that only note."""

    def __init__(self, count: int) -> None:
        self.workers: list[Any] = [Told(f"w{number}") for number in range(count)]
        self.crew: Any = SimpleNamespace(serving=self.workers, voting=self.workers)
        self.decided: list[tuple[int, bytes]] = []
        self.reports: list[Result] = []
        self.reloads = Reloads(self.crew, lambda *what: self.decided.append(what), self.reports.append)

    def all_say(self, message: Message) -> None:
        for worker in list(self.workers):
            self.reloads.heard(worker, message)  # type: ignore[arg-type]


def test_nobody_serves_a_set_before_all_have_prepared_it() -> None:
    bed, answers = Bed(3), []
    bed.reloads.built(frames.Built(b"two"), [answers.append])
    assert [worker.told for worker in bed.workers] == [[frames.Prepare(2, b"two")]] * 3
    for worker in bed.workers[:2]:
        bed.reloads.heard(worker, frames.Prepared(2))
    assert not bed.decided
    bed.reloads.heard(bed.workers[2], frames.Prepared(2))
    assert bed.decided == [(2, b"two")]
    assert all(worker.told[-1] == frames.Commit(2) for worker in bed.workers)
    assert not answers
    bed.all_say(frames.Serving(2))
    assert answers == bed.reports == [Result(True, 2, 3)]


def test_where_one_refuses_none_serves_it_and_it_is_said_once() -> None:
    bed = Bed(3)
    bed.reloads.built(frames.Built(b"two"), [])
    bed.reloads.heard(bed.workers[0], frames.Prepared(2))
    bed.reloads.heard(bed.workers[1], frames.Refused(2, "no"))
    bed.reloads.heard(bed.workers[2], frames.Refused(2, "no"))
    assert not bed.decided
    assert all(worker.told[-1] == frames.Abort(2) for worker in bed.workers)
    assert bed.reports == [Result(False, 1, said="no", plain="no")]
    assert bed.reloads.generation == 1


def test_who_dies_while_a_set_is_prepared_or_served_has_no_say() -> None:
    bed = Bed(3)
    bed.reloads.built(frames.Built(b"two"), [])
    bed.reloads.heard(bed.workers[0], frames.Prepared(2))
    bed.reloads.heard(bed.workers[1], frames.Prepared(2))
    bed.reloads.gone(bed.workers.pop())
    assert bed.decided == [(2, b"two")]
    bed.reloads.heard(bed.workers[0], frames.Serving(2))
    bed.reloads.gone(bed.workers.pop())
    assert bed.reports == [Result(True, 2, 1)]


def test_what_is_built_meanwhile_waits_and_the_last_of_it_is_served() -> None:
    bed, answers = Bed(1), []
    bed.reloads.built(frames.Built(b"two"), [])
    bed.reloads.built(frames.Built(b"three"), [answers.append])
    bed.reloads.built(frames.Built(b"four"), [answers.append])
    bed.all_say(frames.Prepared(2))
    bed.all_say(frames.Serving(2))
    assert bed.workers[0].told[-1] == frames.Prepare(3, b"four")
    bed.all_say(frames.Prepared(3))
    bed.all_say(frames.Serving(3))
    assert answers == [Result(True, 3, 1)] * 2
    assert [result.generation for result in bed.reports] == [2, 3]


def test_a_vote_on_another_set_is_none() -> None:
    bed = Bed(1)
    bed.reloads.built(frames.Built(b"two"), [])
    bed.all_say(frames.Prepared(1))
    bed.all_say(frames.Serving(1))
    assert not bed.decided


def test_where_nobody_serves_at_the_moment_it_is_decided_at_once() -> None:
    bed = Bed(0)
    bed.reloads.built(frames.Built(b"two"), [])
    assert bed.decided == [(2, b"two")]
    assert bed.reports == [Result(True, 2, 0)]


def test_a_late_refusal_of_one_set_says_nothing_about_the_next() -> None:
    bed, answers = Bed(2), []
    bed.reloads.built(frames.Built(b"wrong"), [])
    bed.reloads.built(frames.Built(b"mended"), [answers.append])
    bed.all_say(frames.Refused(2, "no"))
    assert not answers
    bed.all_say(frames.Prepared(3))
    bed.all_say(frames.Serving(3))
    assert (bed.decided, answers) == ([(3, b"mended")], [Result(True, 3, 2)])


def test_a_late_vote_for_one_set_is_none_for_the_next() -> None:
    bed = Bed(2)
    bed.reloads.built(frames.Built(b"wrong"), [])
    bed.reloads.built(frames.Built(b"other"), [])
    bed.reloads.heard(bed.workers[0], frames.Refused(2, "no"))
    bed.reloads.heard(bed.workers[1], frames.Prepared(2))
    bed.reloads.heard(bed.workers[0], frames.Prepared(3))
    assert not bed.decided, "the second worker has not prepared it"
    bed.reloads.heard(bed.workers[1], frames.Refused(3, "no"))
    assert (bed.reloads.generation, bed.decided) == (1, [])


def test_a_refused_reload_is_remembered_until_one_is_served() -> None:
    bed = Bed(1)
    bed.reloads.built(frames.Built(said="\x1b[1mone\x1b[0m\nmore", plain="one\nmore"), [])
    first = bed.reloads.refused
    assert first is not None
    assert first.said == "one"
    bed.reloads.built(frames.Built(b"two"), [])
    bed.all_say(frames.Refused(2, "\x1b[1;31mtwo\x1b[0m\nmore"))
    assert bed.reloads.refused == Refusal(first.since, "two"), "since then nothing new is served"
    bed.reloads.built(frames.Built(b"three"), [])
    bed.all_say(frames.Prepared(3))
    bed.all_say(frames.Serving(3))
    assert bed.reloads.refused is None


def test_one_worker_is_said_in_the_singular() -> None:
    assert [str(Result(True, 3, count)) for count in (1, 2)] == [
        "reloaded: generation 3, 1 worker", "reloaded: generation 3, 2 workers",
    ]  # fmt: skip


class Wire:
    """A socket that keeps what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()

    async def send(self, data: memoryview) -> int:
        self.sent += data
        return len(data)


async def test_a_worker_says_that_it_serves_only_what_it_has_committed(caplog: pytest.LogCaptureFixture) -> None:
    wire, committed = Wire(), []
    worker = _Worker(SimpleNamespace(), SimpleNamespace(commit=committed.append), wire)  # type: ignore[arg-type]
    await worker._obey(frames.Commit(2))
    assert (committed, bytes(wire.sent)) == ([], b"")
    assert worker._stop.is_set(), "it makes room for one that begins with what was decided"
    assert "generation 2 is to be served here, and was not prepared" in caplog.text


# --- building --------------------------------------------------------------------------------------------------------


def test_a_builder_that_cannot_be_started_is_tried_again_and_who_asked_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = socket.socketpair()
    forks = iter([OSError(errno.EAGAIN, "Resource temporarily unavailable"), (0, ours)])

    def fork(*_: object) -> tuple[int, socket.socket]:
        found = next(forks)
        if isinstance(found, OSError):
            raise found
        return found

    monkeypatch.setattr(building, "fork", fork)
    monkeypatch.setattr(building, "AGAIN_S", 0.01)
    loop, answered = Loop(), []
    try:
        node = Building(loop, SimpleNamespace(), lambda built, asked: answered.extend(asked), lambda: None)  # type: ignore[arg-type]
        node.build(lambda _: None)
        assert "no process to read the policies can be started: Resource temporarily unavailable" in caplog.text
        theirs.sendall(encode(frames.Built(b"p", asked=True)))
        loop.at(0.05, loop.stop)
        loop.run()
    finally:
        loop.close()
    assert Frames().feed(theirs.recv(4096)) == [frames.Build()]
    assert len(answered) == 1
    theirs.close()


# --- probes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /-/health HTTP/1.1\r\n\r\n", 200), (b"GET /-/ready HTTP/1.1\r\n\r\n", 503), (b"GET /x HTTP/1.1\r\n\r\n", 404),
        (b"HEAD /-/health HTTP/1.0\r\n\r\n", 200), (b"POST /-/health HTTP/1.1\r\n\r\n", 405), (b"nonsense\r\n\r\n", 400),
        (b"GET /-/health HTTP/2\r\n\r\n", 400), (b"\xff\xfe\r\n\r\n", 400), (b"GET /-/health?x HTTP/1.1\r\n\r\n", 200),
    ],
)  # fmt: skip
def test_a_probe_is_answered_by_what_it_asks(head: bytes, status: int) -> None:
    answer = respond(head, lambda: Condition(True, False, {"workers": 2}))
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in top
    if head.startswith(b"HEAD"):
        assert not body
    else:
        assert b"content-length: %d\r\n" % len(body) in top
        assert json.loads(body)["status"]


# --- cores -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", None), ("100000 100000", 1), ("50000 100000", 1), ("nonsense", None), (None, None)],
)
def test_a_quota_of_the_control_group_bounds_the_cores(tmp_path: Path, text: str | None, cores: int | None) -> None:
    file = tmp_path / "cpu.max"
    if text is not None:
        file.write_text(text)
    assert usable_cores(file) == min(cores or 10_000, len(os.sched_getaffinity(0)))


# --- the loop --------------------------------------------------------------------------------------------------------


def test_the_loop_does_what_is_due_in_order_and_not_what_was_cancelled() -> None:
    loop, done = Loop(), []
    try:
        loop.at(0.02, lambda: done.append("second"))
        loop.at(0.0, lambda: done.append("first"))
        loop.at(0.01, lambda: done.append("never")).cancel()
        loop.at(0.03, loop.stop)
        loop.run()
    finally:
        loop.close()
    assert done == ["first", "second"]


def test_the_loop_counts_every_signal_and_survives_a_bug(caplog: pytest.LogCaptureFixture) -> None:
    loop, seen = Loop(), []

    def on_signal() -> None:
        seen.append(1)
        if len(seen) == 1:
            raise RuntimeError("a bug")
        loop.stop()

    before = signal.getsignal(signal.SIGUSR2)
    try:
        loop.on_signal(signal.SIGUSR2, on_signal)
        os.kill(os.getpid(), signal.SIGUSR2)
        os.kill(os.getpid(), signal.SIGUSR2)
        loop.run()
    finally:
        loop.close()
    assert len(seen) == 2
    assert "a bug in the master" in caplog.text
    assert signal.getsignal(signal.SIGUSR2) is before


def test_how_a_process_ended_is_said_in_words() -> None:
    assert how_it_ended(9) == "was killed by signal 9"
    assert how_it_ended(3 << 8) == "ended with status 3"


# --- what is handed down ---------------------------------------------------------------------------------------------


def test_sockets_that_are_handed_down_are_taken_out_of_the_environment() -> None:
    opened = open_binds(["127.0.0.1:0"])
    (sock,) = opened["127.0.0.1:0"]
    ours, theirs = socket.socketpair()
    text = json.dumps({"binds": {"127.0.0.1:0": [os.dup(sock.fileno())]}, "heir": os.dup(theirs.fileno())})
    environ = {VARIABLE: text, "PATH": "/bin"}
    found, heir = handed_down(environ)
    assert environ == {"PATH": "/bin"}
    assert heir is not None
    assert found["127.0.0.1:0"][0].getsockname() == sock.getsockname()
    assert handed_down(environ) == ({}, None)
    for one in (sock, ours, theirs, heir, *found["127.0.0.1:0"]):
        one.close()
