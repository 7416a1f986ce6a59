"""A job as something to ask a model: see `asking`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headgate.api import Bound, Exchange, FakeChat, PluginFault, Response, Timeouts
from headgate.api.ai import Counted, Job, TaskKind, TaskOut, Unsupported, Written, task_out
from headgate_ai.capabilities import Lacking
from headgate_ai.tasks.bounds import bound_of
from headgate_ai.tasks.estimates import used

if TYPE_CHECKING:
    from headgate_ai.models import Model

# What a model does, in words for whoever asked for something else.
CANNOT: Final[dict[TaskKind, str]] = {
    "embedding": "It makes no embeddings.",
    "rerank": "It ranks no documents.",
    "image": "It makes no images.",
    "speech": "It does not speak.",
    "transcription": "It transcribes nothing.",
    "moderation": "It moderates nothing.",
}


@dataclass(slots=True)
class JobQuestion:
    """A job, to be asked. See `Asking`."""

    ctx: Exchange
    job: Job
    timeouts: Timeouts
    refuses_unknown: bool = False
    out: TaskOut = field(init=False)

    @property
    def streams(self) -> bool:
        """Never as `Asking` means it: what a job makes is made whole, and paid whole, however it travels."""
        return False

    def missing(self, model: Model) -> Lacking | None:
        kind = self.job.kind
        if model.kind in (None, kind):
            return None
        draws = kind == "image" and model.kind == "chat" and (model.outputs is None or "image" in model.outputs)
        return None if draws else Lacking(CANNOT[kind], "model")

    def write(self, model: Model, cap: int | None) -> Written:
        out = task_out(model.tasks, self.job.kind)
        if out is None:
            raise Unsupported(CANNOT[self.job.kind], "model")
        self.out = out
        return out.write(self.job, model.endpoint)

    def bound(self, model: Model, cap: int | None) -> Bound:
        return bound_of(self.job, model)

    def most_input(self, model: Model) -> int | None:
        return None

    def hides(self, model: Model) -> bool:
        return False

    def likely(self, model: Model) -> Counted:
        return used(self.job, model.prices, None)

    def play(self, model: Model, written: Written, fake: FakeChat) -> Response:
        raise PluginFault(
            f"`{model.resource}` does no chat here: give it `reply(200, json=…)` with what its provider answers",
            plugin="ai",
        )
