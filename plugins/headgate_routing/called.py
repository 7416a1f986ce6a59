"""`call`: ask an upstream something on the way, and bind what it says."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headgate.api import (
    ClientFault,
    Duration,
    Exchange,
    Headers,
    Json,
    Outgoing,
    Response,
    Served,
    Size,
    Text,
    UpstreamFault,
    UrlPath,
    encoded_path,
    read_all,
    render_query,
    step,
)
from headgate_routing.attempt import attempt
from headgate_routing.forward import RAISES
from headgate_routing.resource import Upstream

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Called(msgspec.Struct, frozen=True):
    """What an upstream said: its status, its header by names in lower case, and its body."""

    status: int
    header: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body as JSON; absent where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


@step("call", effect="upstream", raises=RAISES)
async def call(
    ctx: Exchange,
    to: Upstream,
    /,
    *,
    method: Text | None = None,
    path: UrlPath = "/",
    query: dict[str, Any] | None = None,
    headers: dict[str, Any] | None = None,
    json: Json = None,
    timeout: Duration | None = None,
    limit: Size = 1 << 20,
) -> Called:
    """Ask an upstream, and bind its answer: `status`, `header`, `text`, `json`.

    `method` is GET, or POST where there is `json`. Of the client's request nothing is sent on. An answer with an error
    status is an answer; a body of more than `limit` is a failure. `timeout` bounds the time to the head.
    """
    verb = method or ("GET" if json is None else "POST")
    if verb not in _METHODS:
        raise ClientFault("request.invalid", f"{verb} is no method that `call` sends.", status=400)
    lines = [(name.lower().encode("latin-1"), _text(value).encode()) for name, value in (headers or {}).items()]
    if json is not None:
        lines.append((b"content-type", b"application/json"))
    raw = encoded_path(path)
    if query:
        raw += b"?" + render_query([(name, _text(value)) for name, value in query.items() if value is not None])
    body = b"" if json is None else msgspec.json.encode(json)
    outgoing = Outgoing(verb, raw, lines, body, resource=to.name)
    response = await attempt(ctx, to, outgoing, to.bounds(timeout, None, None), Served())
    try:
        data = response.body if isinstance(response.body, bytes) else await read_all(response.body, limit)
    except ClientFault:
        raise _too_large(to, limit) from None
    finally:
        await response.aclose()
    if len(data) > limit:
        raise _too_large(to, limit)
    return Called(response.status, _by_name(response), data)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _by_name(response: Response) -> dict[str, str]:
    headers: Headers = response.headers
    return {name.decode("latin-1"): headers.text(name.decode("latin-1")) or "" for name, _ in headers}


def _too_large(to: Upstream, limit: int) -> UpstreamFault:
    return UpstreamFault(
        "upstream.protocol", f"{to.name} answered with more than {limit} bytes; `call` takes more with `limit=`."
    )
