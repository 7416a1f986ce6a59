"""Jobs: what clients want of models besides chats, and how dialects read and write that.

1. Each kind of task has one form for what is wanted and one for what is made of it. A dialect reads a client's request
   into a `Job`, and writes what was made (`TaskIn`); one that providers speak writes the job and reads what they made
   (`TaskOut`). A dialect offers what it has; `Speaks` holds it.
2. Between the same dialect on both sides the bytes pass, but for the model's name: nothing is read that nobody asks for.
3. A job is replaced, not changed: `replace` says what is wanted now, and then the bytes that came no longer say it.
4. What only one dialect has is kept in `extra`, goes to the same dialect, and never to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

from headgate.contracts.ai.answers import Counted
from headgate.contracts.ai.dialects import Endpoint, Written
from headgate.contracts.ai.tasks import Made, TaskKind, Wanted


class Sent(NamedTuple):
    """A request's body, its type, and where it was sent."""

    data: bytes
    content_type: str
    path: str


_UNSENT: Final = Sent(b"", "", "")
W = TypeVar("W", bound=Wanted)
M = TypeVar("M", bound=Made)


def made_as(made: Made, kind: type[M]) -> M:
    """What was made, known to be of that kind: it is what the job asked for."""
    assert isinstance(made, kind)
    return made


class _Origin:
    """Where a job came from: no part of its value."""

    __slots__ = ("_asked", "_dialect", "_replaced", "_sent", "_wants")
    _asked: str
    _dialect: str
    _replaced: bool
    _sent: Sent
    _wants: Wanted

    def came_as(self, dialect: str, sent: Sent, asked: str, wants: Wanted) -> None:
        """Said once, by `Job.of`."""
        self._dialect, self._sent, self._asked = dialect, sent, asked
        self._wants, self._replaced = wants, False

    @property
    def dialect(self) -> str:
        """The name of the dialect it came in; empty for a job that was made here."""
        return self._dialect

    @property
    def inputs(self) -> list[str]:
        """The words that a model is to read."""
        return self._wants.texts

    def asked(self) -> str:
        """The model that the client named, whatever a line set since."""
        return self._asked

    def sent(self) -> Sent:
        """The request as the client sent it."""
        return self._sent

    def wants(self) -> Wanted:
        """What is wanted. Not to be changed, see `replace`."""
        return self._wants

    def wanted(self, kind: type[W]) -> W:
        """What is wanted, known to be of that kind."""
        assert isinstance(self._wants, kind)
        return self._wants

    def replace(self, wants: Wanted) -> None:
        """Another thing of the same kind is wanted."""
        self._wants, self._replaced = wants, True


@dataclass(slots=True, eq=False)
class Job(_Origin):
    """`read.task as job`. `stream`: the client wants the answer in pieces."""

    kind: TaskKind
    model: str
    stream: bool = False

    def __repr__(self) -> str:
        return f"<Job {self.kind} {self.model} {self.dialect or 'made here'}>"

    @classmethod
    def of(cls, model: str, wants: Wanted, *, dialect: str = "", sent: Sent = _UNSENT) -> Job:
        """A job that a client sent in that dialect, or that was made here."""
        job = cls(wants.kind, model, bool(getattr(wants, "stream", False)))
        job.came_as(dialect, sent, model, wants)
        return job

    def as_it_came(self, dialect: str) -> bool:
        """Whether the client's bytes, but for the model's name, say in that dialect what is wanted."""
        return self._dialect == dialect and not self._replaced


# --- dialects --------------------------------------------------------------------------------------------------------


class Rendered(NamedTuple):
    """A whole answer for a client."""

    content_type: str
    data: bytes


class Came(NamedTuple):
    """A whole answer of a provider."""

    data: bytes
    content_type: str


class TaskIn(Protocol):
    """How clients of a dialect ask for a task."""

    def answers(self, path: str) -> bool:
        """Whether they send it to this path."""
        ...

    def read(self, sent: Sent) -> Job:
        """A request as a Job. `NotStrict` names the field, and what it has to be."""
        ...

    def render(self, job: Job, made: Made, at: float) -> Rendered:
        """What was made. `at` is the time, for answers whose provider says none."""
        ...


class TaskOut(Protocol):
    """How a provider is asked for a task of one kind."""

    @property
    def kind(self) -> TaskKind: ...

    @property
    def dialect(self) -> str: ...

    def write(self, job: Job, to: Endpoint) -> Written:
        """The request. `Unsupported` where it cannot be said; a parameter that cannot be said is named in `dropped`."""
        ...

    def read(self, job: Job, came: Came) -> Made:
        """What was made. Garbled where it is nothing of the kind."""
        ...

    def count(self, job: Job, came: Came) -> Counted | None:
        """What an answer used, without reading the rest of it; None where it does not say. Of a stream, `came` is the
        data of the last event that speaks of usage. Garbled as above."""
        ...


def task_in(tasks: Sequence[TaskIn], path: str) -> TaskIn | None:
    """The task that clients send to this path."""
    return next((one for one in tasks if one.answers(path)), None)


def task_out(tasks: Sequence[TaskOut], kind: TaskKind) -> TaskOut | None:
    """How a task of this kind is asked for."""
    return next((one for one in tasks if one.kind == kind), None)
