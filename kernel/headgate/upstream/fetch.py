"""What goes out by httpx: whole answers off the hot path. The only file that knows httpx.

1. httpx's own transport resolves and connects by itself, so it is not used. Requests go to pools of httpcore, which
   is httpx's engine, over a network backend of ours: `Dialer` resolves, judges and connects to judged addresses.
   TLS still checks the name, since httpcore shakes hands with the host of the URL.
2. No redirect is followed, no proxy or credential comes from the environment, no cookie is kept.
3. The exceptions of both libraries become UpstreamFaults here; none leaves this file.
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

from headgate.contracts.transport import Target
from headgate.errors import UpstreamFault
from headgate.upstream import faults
from headgate.upstream.dial import Dialer
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
    """httpcore's pools by scheme, each over a backend that checks."""

    def __init__(self, dialer: Dialer, max_connections: int) -> None:
        self._dialer = dialer
        self._max_connections = max_connections
        self._tls = TlsContexts(("h2", "http/1.1"))
        self._pools: dict[str, httpcore.AsyncConnectionPool] = {}

    def get(self, scheme: str) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(scheme)
        if pool is None:
            pool = httpcore.AsyncConnectionPool(
                ssl_context=self._tls.get() if scheme == "https" else None,
                max_connections=self._max_connections,
                keepalive_expiry=IDLE_S,
                http2=True,
                network_backend=_Backend(self._dialer, scheme),
            )
            self._pools[scheme] = pool
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
