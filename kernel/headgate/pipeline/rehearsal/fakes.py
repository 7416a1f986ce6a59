"""The world as a test gives it: no network, a client that is a list of bytes, steps that do as they are told."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec
import trio

from headgate.contracts.fakes import FakeChat, FakeFailure, FakeReply
from headgate.contracts.kinds import Kind
from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import ClientFault, ClientGone, Failure, RehearsalFault, UpstreamFault
from headgate.language.vocabulary import StepSpec
from headgate.message.body import read_all
from headgate.message.headers import Headers, Line
from headgate.message.response import Response
from headgate.message.tunnel import Tunnel
from headgate.pipeline.rehearsal.observed import Answer, Sent

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange

BODY_LIMIT = 1 << 26


class JumpingClock:
    """Wall and monotonic time from trio's clock, which jumps; it begins at a fixed moment, so tests repeat."""

    START = 1_767_225_600.0  # 2026-01-01T00:00:00Z

    def time(self) -> float:
        return self.START + trio.current_time()

    def monotonic(self) -> float:
        return trio.current_time()


class FakeTransport:
    """Answers from what the test gave, and remembers what was asked."""

    def __init__(self, fakes: Mapping[str, Any]) -> None:
        self.fakes = fakes
        self.requests: dict[str, list[Sent]] = {}
        self.fault: RehearsalFault | None = None

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        name = outgoing.resource
        body = outgoing.body if isinstance(outgoing.body, bytes) else await read_all(outgoing.body, BODY_LIMIT)
        self.requests.setdefault(name, []).append(Sent(outgoing, body))
        fake = self.fakes.get(name)
        match fake:
            case FakeReply(delay_s=delay) if timeouts.head_s is not None and delay >= timeouts.head_s:
                await trio.sleep(timeouts.head_s)
                raise UpstreamFault("upstream.timeout", f"{name} took too long to answer.", status=504)
            case FakeReply():
                await trio.sleep(fake.delay_s)
                lines = [(key.lower().encode(), value.encode()) for key, value in fake.headers.items()]
                return Response(fake.status, lines, fake.body)
            case FakeChat() if outgoing.fake is not None:
                return outgoing.fake(fake)
            case FakeFailure(kind=kind):
                raise UpstreamFault(
                    kind, f"{name} failed, as the test wants.", status=504 if kind.endswith("timeout") else 502
                )
        self.fault = RehearsalFault(
            f"`{name}` was called, and the test gives it no answer; add `given {name} = reply(200)`"
            if fake is None
            else f"`{name}` cannot answer with {type(fake).__name__}"
        )
        raise self.fault

    async def aclose(self) -> None:
        """Nothing to close."""


class NoFetch:
    """No request leaves a rehearsal."""

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        raise RehearsalFault(f"{url} would be fetched; give the step that wants it instead")

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        limit: int = 1 << 20,
    ) -> bytes:
        raise RehearsalFault(f"{url} would be sent something; give the step that wants it instead")


class FakeReplySide:
    """The client's side: collects the answer, and hangs up when it was told to."""

    def __init__(self, hang_up_after: float | int | None = None) -> None:
        self.hang_up_after = hang_up_after
        self.bytes_out = 0
        self.head_sent = False
        self.aborted = False
        self.scope = trio.CancelScope()
        self.answer: Answer | None = None
        self._status = 0
        self._headers = Headers()
        self._pieces: list[bytes] = []

    async def send(self, response: Response) -> None:
        await self.head(response.status, response.headers, None)
        if isinstance(response.body, bytes):
            await self.write(response.body)
        else:
            while piece := await response.body.read():
                await self.write(piece)
        await self.end()

    async def head(self, status: int, headers: Iterable[Line], length: int | None) -> None:
        self._status, self._headers = status, Headers(headers)

    async def write(self, piece: bytes) -> None:
        self.head_sent = True
        self.bytes_out += len(piece)
        self._pieces.append(piece)
        if isinstance(self.hang_up_after, int) and self.bytes_out >= self.hang_up_after:
            raise ClientGone
        await trio.lowlevel.checkpoint()

    async def flush(self) -> None:
        self.head_sent = True

    async def end(self, trailers: Iterable[Line] = ()) -> None:
        self.head_sent = True

    async def abort(self) -> None:
        self.aborted = True

    async def upgrade(self, headers: Iterable[Line]) -> Tunnel:
        raise RehearsalFault("a test has no connection that could be upgraded")

    async def wait_drain(self) -> None:
        await trio.sleep_forever()

    def cancel(self) -> None:
        self.scope.cancel()

    async def wait_gone(self) -> None:
        await trio.sleep(self.hang_up_after if isinstance(self.hang_up_after, float) else float("inf"))

    def result(self) -> Answer:
        return Answer(self._status, self._headers, b"".join(self._pieces))


def wrapper(fakes: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Callable[[StepSpec], Callable[..., Any]]:
    """Stands between the program and its steps: a step that the test gave answers with that.

    What an upstream would answer (`reply(…)`, `chat_reply(…)`) is no answer of a step: the step runs, and whoever it asks
    without a name of the policy's answers that.
    """

    def given(name: str) -> bool:
        return name in fakes and not isinstance(fakes[name], (FakeReply, FakeChat))

    def wrap(spec: StepSpec) -> Callable[..., Any]:
        def faked(x: Exchange) -> Any:
            return _play(x, spec, fakes[spec.name], kinds)

        async def asynchronous(x: Exchange, *args: Any, **named: Any) -> Any:
            return faked(x) if given(spec.name) else await spec.call(x, *args, **named)

        def synchronous(x: Exchange, *args: Any, **named: Any) -> Any:
            return faked(x) if given(spec.name) else spec.call(x, *args, **named)

        if spec.block is not None:
            return spec.call
        return asynchronous if spec.is_async else synchronous

    return wrap


def _play(x: Exchange, spec: StepSpec, fake: Any, kinds: Mapping[str, Kind]) -> Any:
    if isinstance(fake, FakeFailure):
        kind = kinds.get(fake.kind)
        status = kind.status if kind is not None else 500
        cls: type[Failure] = UpstreamFault if fake.kind.startswith("upstream.") else ClientFault
        message = f"{spec.name} fails with {fake.kind}, as the test wants."
        raise cls(fake.kind, message, status=status, record=fake.record)
    named = spec.returns_type_of is not None  # the checker has held it against the type that the lines name
    returns = None if named else get_type_hints(inspect.unwrap(spec.call), include_extras=True).get("return")
    record = msgspec.convert(fake, returns) if isinstance(fake, dict) and returns is not None else fake
    caller = getattr(record, "caller", None)
    if "auth" in spec.gives and callable(caller):
        x.caller = caller()
    return record
