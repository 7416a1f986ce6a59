"""The relay that one would write in an afternoon: an ASGI application that sends requests on with httpx.

https://www.python-httpx.org/advanced/clients/ and /advanced/resource-limits/: one client for all requests, with enough
connections kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

ORIGIN = "http://127.0.0.1:18081"
OWN = {b"host", b"connection", b"content-length", b"transfer-encoding"}
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1024, max_keepalive_connections=1024), timeout=60)


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    headers = [line for line in scope["headers"] if line[0] not in OWN]
    body = await whole(receive)
    request = client.build_request(scope["method"], ORIGIN + scope["path"], headers=headers, content=body)
    answer = await client.send(request, stream=True)
    try:
        kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() != b"connection"]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
        async for data in answer.aiter_raw():
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body"})
    finally:
        await answer.aclose()


async def whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            await client.aclose()
            return
