"""What goes out by httpx: whole answers off the hot path, and HTTP/2 upstreams. The only file that knows httpx.

1. httpx's own transport resolves and connects by itself, so it is not used. Requests go to pools of httpcore, which
   is httpx's engine, over a network backend of ours: `Dialer` resolves, judges and connects to judged addresses.
   TLS still checks the name, since httpcore shakes hands with the host of the URL.
2. No redirect is followed, no proxy or credential comes from the environment, no cookie is kept.
3. `HttpxTransport` hands httpcore the path and the lines as they are: httpx would normalise both once more, and what
   was decided once must not be decided again.
4. The exceptions of both libraries become UpstreamFaults here; none leaves this file.
"""

from __future__ import annotations

import http.cookiejar
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
import httpx
import trio

from headgate.contracts.transport import Outgoing, Target, Timeouts
from headgate.errors import UpstreamFault
from headgate.message.body import Body
from headgate.message.headers import Headers
from headgate.message.response import Response
from headgate.upstream import faults
from headgate.upstream.call import Call
from headgate.upstream.dial import Dialer
from headgate.upstream.heads import BODILESS, EXPECT_A_BODY, end_to_end, request_head, travelling
from headgate.upstream.streams import BROKEN, ByteStream, ClearStream, is_quiet, start_tls
from headgate.upstream.tls import TlsContexts, tls_reason

# HTTP/2 carries a hundred calls on one connection; these are connections for one scheme and CA.
MAX_CONNECTIONS: Final = 100
IDLE_S: Final = 30.0


class _Stream(httpcore.AsyncNetworkStream):
    """One of our streams as httpcore wants it."""

    def __init__(self, target: Target, connected: socket.socket, stream: ByteStream, session: object = None) -> None:
        self._target = target
        self._socket = connected
        self._stream = stream
        self._session = session

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._stream.receive()
        except BROKEN as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await self._stream.send(buffer)
        except BROKEN as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._stream.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await start_tls(self._socket, ssl_context, server_hostname or self._target.host)
        except BaseException as error:
            self._stream.close()
            if isinstance(error, BROKEN):
                raise faults.unreachable(self._target, tls_reason(error)) from error
            raise
        return _Stream(self._target, self._socket, stream, stream.session)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._session
        if info == "is_readable":
            return not is_quiet(self._socket)
        return None


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects where the egress rules allow, and nowhere else."""

    def __init__(self, dialer: Dialer, scheme: str) -> None:
        self._dialer = dialer
        self._scheme = scheme

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        target = Target(self._scheme, host, port)
        connected = await self._dialer.connect(target)
        return _Stream(target, connected, ClearStream(connected))

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


class _Pools:
    """httpcore's pools by scheme and CA file, each over a backend that checks."""

    def __init__(self, dialer: Dialer, max_connections: int) -> None:
        self._dialer = dialer
        self._max_connections = max_connections
        self._tls = TlsContexts(("h2", "http/1.1"))
        self._pools: dict[tuple[str, str | None], httpcore.AsyncConnectionPool] = {}

    def get(self, scheme: str, ca_file: str | None = None) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get((scheme, ca_file))
        if pool is None:
            pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls.get(ca_file) if scheme == "https" else None,
                max_connections=self._max_connections,
                keepalive_expiry=IDLE_S,
                http2=True,
                network_backend=_Backend(self._dialer, scheme),
            )
            self._pools[(scheme, ca_file)] = pool
        return pool

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


@contextmanager
def _translated(target: Target, phase: str) -> Iterator[None]:
    """httpcore's exceptions as faults of the target."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, *BROKEN) as error:
        why = str(error) or type(error).__name__
        raise faults.broken(target, phase, f"broke the exchange ({why})") from error


class HttpxTransport:
    """The `Transport` for https targets that are marked `http=2`: HTTP/2 where ALPN agrees on it, else HTTP/1.1.

    Bodies stream both ways, but the request's goes out whole before the head of the answer is read, so this is no
    client for gRPC. The bound on the head begins with the last byte sent; without a body it includes connecting.
    """

    def __init__(self, dialer: Dialer, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._pools = _Pools(dialer, max_connections)

    async def send(self, target: Target, outgoing: Outgoing, timeouts: Timeouts) -> Response:
        """The final answer, its body to come. UpstreamFault, or what reading a streamed request body raises."""
        call = Call(target, timeouts, trio.current_time())
        request = _request(call, outgoing)
        call.enter("head", _sum(timeouts.connect_s, timeouts.head_s))
        with call.scope, _translated(target, "head"):
            answer = await self._pools.get(target.scheme, target.ca_file).handle_async_request(request)
            return await _response(call, outgoing.method, answer)
        raise call.late(sent=True)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pools.aclose()


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _request(call: Call, outgoing: Outgoing) -> httpcore.Request:
    target = call.target
    body = outgoing.body
    length = len(body) if isinstance(body, bytes) else body.length
    # Refuses what must not be sent, whatever the protocol.
    request_head(target, outgoing, length)
    host, lines = end_to_end(outgoing.headers)
    lines = [(b"host", host or target.authority.encode()), *lines]
    if length is None:
        lines.append((b"transfer-encoding", b"chunked"))
    elif length or outgoing.method in EXPECT_A_BODY:
        lines.append((b"content-length", b"%d" % length))
    url = httpcore.URL(
        scheme=target.scheme.encode(),
        host=target.host.encode(),
        port=target.port,
        target=target.path.encode() + outgoing.path,
    )
    content = body if isinstance(body, bytes) else _pieces(call, body)
    return httpcore.Request(outgoing.method.encode(), url, headers=lines, content=content)


async def _pieces(call: Call, body: Body) -> AsyncIterator[bytes]:
    while True:
        call.enter("head", None)
        piece = await body.read()
        call.enter("head", call.timeouts.head_s)
        if not piece:
            return
        yield piece


async def _response(call: Call, method: str, answer: httpcore.Response) -> Response:
    bodiless = method == "HEAD" or answer.status in BODILESS
    lines = [(name.lower(), value) for name, value in answer.headers]
    length = next((int(value) for name, value in lines if name == b"content-length" and value.isdigit()), None)
    headers = Headers(travelling(lines, bodiless=bodiless))
    if bodiless:
        await answer.aclose()
        return Response(answer.status, headers)
    return Response(answer.status, headers, _AnswerBody(call, answer, length))


class _AnswerBody:
    """An answer's body out of httpcore."""

    def __init__(self, call: Call, answer: httpcore.Response, length: int | None) -> None:
        self.length = length
        self._call = call
        self._answer = answer
        self._pieces = answer.aiter_stream()
        self._failure: UpstreamFault | None = None
        self._ended = False

    async def read(self) -> bytes:
        """The next piece, b"" at the end. UpstreamFault; cancelling closes what it was read from."""
        if self._failure is not None:
            raise self._failure
        if self._ended:
            return b""
        piece = b""
        try:
            with self._call.silence() as scope, _translated(self._call.target, "body"):
                piece = await self._next()
            if scope.cancelled_caught:
                raise self._call.late(sent=True)
        except UpstreamFault as fault:
            self._failure = fault
            await self._close()
            raise
        except trio.Cancelled:
            self._failure = faults.broken(self._call.target, "body", "was cut off: the reading was cancelled")
            raise
        return piece

    async def _next(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        self._ended = True
        return b""

    async def aclose(self) -> None:
        """Give the rest up."""
        if not self._ended and self._failure is None:
            self._failure = faults.broken(self._call.target, "body", "was cut off: its answer was given up")
        await self._close()

    async def _close(self) -> None:
        await _abandon(self._pieces)
        with trio.CancelScope(shield=True):
            await self._answer.aclose()


async def _abandon(pieces: AsyncIterator[bytes]) -> None:
    """End an iteration over a body before its end.

    Both libraries nest asynchronous generators, and closing the outermost leaves those inside to the garbage collector,
    which trio rightly complains of. A cancellation passes through all of them, and they close what they hold.
    """
    with trio.CancelScope(shield=True) as scope:
        scope.cancel()
        try:
            async for _ in pieces:
                pass
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, *BROKEN):
            return


class _Checked(httpx.AsyncBaseTransport):
    """httpx's way out, through our pools."""

    def __init__(self, pools: _Pools) -> None:
        self._pools = pools

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = await self._pools.get(url.scheme).handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.content or None,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Relay(answer))

    async def aclose(self) -> None:
        await self._pools.aclose()


class _Relay(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.aiter_stream():
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


class HttpxFetch:
    """The `Fetch` of a node. Give it a Dialer with `untrusted=True` for URLs that no operator wrote."""

    def __init__(self, dialer: Dialer, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._client = httpx.AsyncClient(
            transport=_Checked(_Pools(dialer, max_connections)),
            # An encoded answer would have a size of its own, and a small one can become a large one.
            headers={"accept-encoding": "identity", "user-agent": "headgate"},
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    async def get(
        self, url: str, *, headers: Mapping[str, str] = {}, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        """The body of a 200 answer, at most `limit` bytes, all of it within `timeout_s`. UpstreamFault else."""
        return await self._fetch("GET", url, None, headers, timeout_s, limit)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] = {}, timeout_s: float = 10.0, limit: int = 1 << 20
    ) -> bytes:
        """As `get`, with a body to send."""
        return await self._fetch("POST", url, body, headers, timeout_s, limit)

    async def _fetch(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, limit: int
    ) -> bytes:
        target = _target(url)
        with trio.move_on_after(timeout_s), _translated(target, "head"):
            async with self._client.stream(method, url, content=body, headers=dict(headers), timeout=None) as answer:
                _accept(target, answer)
                return await _bounded(target, answer, limit)
        raise faults.late(target, "head", timeout_s, sent=True)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def _target(url: str) -> Target:
    parts = urlsplit(url)
    try:
        return Target.parse(parts._replace(path="", query="", fragment="").geturl())
    except ValueError as error:
        raise UpstreamFault("upstream.refused", f"{error}.", sent=False) from None


def _accept(target: Target, answer: httpx.Response) -> None:
    if answer.status_code != 200:
        raise UpstreamFault(
            "upstream.status",
            f"{target} answered with status {answer.status_code}.",
            record={"upstream_status": answer.status_code},
        )
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise faults.broken(target, "body", "encoded its answer, which was not asked for")


async def _bounded(target: Target, answer: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    pieces = answer.aiter_raw()
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            await _abandon(pieces)
            raise faults.broken(target, "body", f"answered with more than {limit} bytes")
    return bytes(body)
