"""One request meeting one policy, from its first byte to its row in the call log.

The compiled policy, the steps and the engine all work on this one object. It carries what the plugins
share and interprets none of it.

1. `end` decides the answer and says that no further line may run; `answer` decides it and lets the lines
   below the hinge run.
2. `after_head` and `after_close` hold what lines attached for later (SEMANTICS §2.4). The engine runs each list
   backwards, once: heads before the first byte goes out, closes after the last.
3. Whoever replaces a response gives up the body of the old one: `discard` collects it for the engine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headgate.contracts.dialect import Dialect
    from headgate.contracts.meters import Meter
    from headgate.contracts.node import Node
    from headgate.contracts.shapes import Caller, Served, Usage
    from headgate.errors import HeadgateError
    from headgate.message.request import Client, Request
    from headgate.message.response import Response

READ: Final = "body.read"
"""Where a step that reads a body in a dialect remembers what it read, which has a `cache_key() -> bytes`."""

MESSAGES: Final = "websocket.messages"
"""Where a step that wants to see what an upstream says in a WebSocket remembers `(call, most_bytes)`: `call(kind, content)` gets
each message that is no longer than that and not compressed."""

AfterHead = Callable[["Exchange"], None]
AfterClose = Callable[["Exchange"], Awaitable[None] | None]
BodyFilter = Callable[[bytes, bool], bytes]

# By task, and not by exchange: the lines of a `parallel` and the arms of a `hedge` run in tasks of their own, and what
# limits one of them is none of the others' business. A connection's task has one exchange after the other.
_METERS: ContextVar[tuple[Exchange, list[Meter]] | None] = ContextVar("headgate.meters", default=None)


class RouteInfo:
    """What a policy sees as `route`, and what the log names."""

    __slots__ = ("api", "name", "options", "public")

    def __init__(
        self, name: str, *, public: bool = False, api: str | None = None, options: dict[str, Any] | None = None
    ) -> None:
        self.name = name
        self.public = public
        self.api = api
        self.options = options or {}

    def __repr__(self) -> str:
        return f"<Route {self.name}{' public' if self.public else ''}>"


class Exchange:
    """A request, and everything that becomes of it. Made by the engine; steps get it as their first argument."""

    __slots__ = (
        "after_close",
        "after_head",
        "bytes_in",
        "bytes_out",
        "caller",
        "client",
        "dialect",
        "discard",
        "durable",
        "ended",
        "failure",
        "filters",
        "head_sent",
        "log",
        "logged",
        "node",
        "outcome",
        "params",
        "preflight",
        "request",
        "response",
        "route",
        "served",
        "shadows",
        "started",
        "started_at",
        "trace",
        "usage",
        "values",
    )

    def __init__(self, request: Request, client: Client, node: Node, *, started: float, started_at: float) -> None:
        self.request = request
        self.client = client
        self.node = node
        self.started = started
        self.started_at = started_at
        self.route: RouteInfo | None = None
        self.params: dict[str, Any] = {}
        self.response: Response | None = None
        self.ended = False
        self.head_sent = False
        self.caller: Caller | None = None
        self.served: Served | None = None
        self.usage: Usage | None = None
        self.outcome: str | None = None
        self.failure: HeadgateError | BaseException | None = None
        self.dialect: Dialect | None = None
        self.bytes_in = 0
        self.bytes_out = 0
        self.after_head: list[AfterHead] | None = None
        self.after_close: list[AfterClose] | None = None
        self.filters: list[BodyFilter] | None = None
        self.discard: list[Response] | None = None
        self.shadows: list[tuple[str, str]] | None = None
        self.log: dict[str, Any] | None = None
        self.values: dict[str, Any] | None = None
        self.trace: Any = None
        # A CORS preflight for a route that has no OPTIONS of its own: the step that answers preflights answers it.
        self.preflight = False
        self.durable = False
        self.logged = False

    def __repr__(self) -> str:
        route = self.route.name if self.route else "no route"
        state = self.outcome or ("answering" if self.response is not None else "running")
        return f"<Exchange {self.request.method} {self.request.path} {route} [{state}]>"

    @property
    def meters(self) -> list[Meter] | None:
        """What limits the lines that run now, outermost first; lines that run at once have each their own."""
        found = _METERS.get()
        return found[1] if found is not None and found[0] is self.whole else None

    @meters.setter
    def meters(self, meters: list[Meter] | None) -> None:
        _METERS.set(None if meters is None else (self.whole, meters))

    def answer(self, response: Response) -> None:
        """Decide the head. Lines below still run and may change status and headers."""
        if self.response is not None and self.response is not response:
            self._give_up(self.response)
        self.response = response

    def answer_nothing(self) -> None:
        """Take back what was answered, before its head went out."""
        if self.response is not None:
            self._give_up(self.response)
            self.response = None

    def end(self, response: Response) -> None:
        """Decide the head, and run no further line (`respond`, `redirect`, a failed `require`)."""
        self.answer(response)
        self.ended = True

    def _give_up(self, response: Response) -> None:
        if self.discard is None:
            self.discard = []
        self.discard.append(response)

    def on_head(self, call: AfterHead) -> None:
        """Run `call` when the head is decided, before it goes out; in reverse order of the lines."""
        if self.after_head is None:
            self.after_head = []
        self.after_head.append(call)

    def on_close(self, call: AfterClose) -> None:
        """Run `call` once, after the last byte or the abort; in reverse order of the lines."""
        if self.after_close is None:
            self.after_close = []
        self.after_close.append(call)

    def add_filter(self, call: BodyFilter) -> None:
        """Pass the answer's body through `call(piece, last)`; the declared length is dropped."""
        if self.filters is None:
            self.filters = []
        self.filters.append(call)

    @property
    def whole(self) -> Exchange:
        """The exchange that has the row, also where this is one arm's view of it."""
        return self

    def note(self, name: str, value: Any) -> None:
        """Put a field into the row of the call log."""
        if self.log is None:
            self.log = {}
        self.log[name] = value

    def remember(self, name: str, value: Any) -> None:
        """Keep a value for another step of the same plugin; names are `plugin.thing`."""
        if self.values is None:
            self.values = {}
        self.values[name] = value

    def recall(self, name: str) -> Any:
        """What `remember` kept, or None."""
        return None if self.values is None else self.values.get(name)

    @property
    def duration(self) -> float:
        """Seconds since the first byte of the request's head was parsed."""
        return self.node.clock.monotonic() - self.started
