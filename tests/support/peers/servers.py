"""The readers: the lane in a thread of its own, nginx before a recorder, and Node. Each is a block that gives its port."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trio

from headgate.message import Client, Request, Response, read_all
from headgate.testing import open_gate
from headgate.wire import Reply, open_listeners, serve_lane
from headgate_routing import Routing

HERE = Path(__file__).parent
MISSING = [name for name in ("nginx", "node") if shutil.which(name) is None]
HOW = f"NOT COMPARED with other servers: {' and '.join(MISSING)} not found. `make peers` gets them where it may; on Debian: apt-get install nginx-light nodejs"


def said(**reading: str) -> str:
    """A reading as it goes into a header line."""
    return json.dumps(reading).encode().hex()


async def _record(request: Request, client: Client, reply: Reply) -> None:
    body = await read_all(request.body, 1 << 60)  # As it comes; what is announced is not judged.
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    reading = said(
        method=request.method,
        target=request.raw_path.decode() + query,
        host=request.host,
        body=body.decode("latin-1"),
    )
    await reply.send(Response(200, [(b"x-reading", reading.encode())]))


@contextmanager
def lane() -> Iterator[int]:
    """The lane, saying what it read."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[int]:
        listeners = open_listeners("127.0.0.1", 0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_lane, listeners, _record)
            yield listeners[0].getsockname()[1]
            nursery.cancel_scope.cancel()

    with _in_a_thread(serve) as port:
        yield port


@contextmanager
def gate(policy: str) -> Iterator[int]:
    """A whole node that forwards."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[int]:
        async with open_gate(policy, plugins=[("routing", Routing)], discover=False) as gate:
            yield int(gate.url.rpartition(":")[2])

    with _in_a_thread(serve) as port:
        yield port


@contextmanager
def _in_a_thread(serve: Callable[[], AbstractAsyncContextManager[int]]) -> Iterator[int]:
    """What `serve` opens, in a thread with a loop of its own."""
    up: queue.SimpleQueue[tuple[int, Callable[[], None]]] = queue.SimpleQueue()

    async def main() -> None:
        with trio.CancelScope() as scope:
            token = trio.lowlevel.current_trio_token()
            async with serve() as port:
                up.put((port, lambda: token.run_sync_soon(scope.cancel)))
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(main,))
    thread.start()
    port, stop = up.get(timeout=20)
    try:
        yield port
    finally:
        stop()
        thread.join()


class _Recorder(BaseHTTPRequestHandler):
    """Behind nginx: what nginx says that it read, and the body as nginx framed it anew."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        assert self.headers.get_all("transfer-encoding") is None
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        assert isinstance(self.server, Recorder)
        self.server.taken += 1
        reading = said(
            method=self.command,
            target=self.headers["x-read-target"],
            host=self.headers.get("x-read-host", ""),
            body=body.decode("latin-1"),
        )
        self.send_response(200)
        self.send_header("x-reading", reading)
        self.send_header("content-length", "0")
        self.end_headers()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


_NGINX = """
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; merge_slashes off; client_max_body_size 0; server_tokens off;
  large_client_header_buffers 8 64k; proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_busy_buffers_size 64k;
  server {{ listen 127.0.0.1:{port}; server_name "";
    location / {{
      proxy_pass http://127.0.0.1:{recorder}; proxy_http_version 1.1;
      proxy_set_header Connection close; proxy_set_header Host recorder;
      proxy_set_header X-Read-Target $request_uri; proxy_set_header X-Read-Host $host;
      proxy_pass_header X-Reading;
    }}
  }}
}}
"""


class Recorder(ThreadingHTTPServer):
    """What stands behind nginx; `taken` counts what came through."""

    daemon_threads = True
    request_queue_size = 256
    taken = 0


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A running recorder."""
    server = Recorder(("127.0.0.1", 0), _Recorder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def nginx(folder: Path, behind: int) -> Iterator[int]:
    """nginx as it is after installing it, proxying to the recorder on port `behind`."""
    port = _free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(dir=folder, port=port, recorder=behind))
    command = ["nginx", "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with _running(command, os.environ | {"TZ": "UTC"}) as process:
        _await_port(port, process)
        yield port


@contextmanager
def node(behind: int | None = None) -> Iterator[int]:
    """Node's own server, as it is by default; with `behind` its client, which asks that port."""
    command = ["node", str(HERE / "node.js")] if behind is None else ["node", str(HERE / "node_proxy.js"), str(behind)]
    with _running(command, dict(os.environ)) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("nginx does not listen")
