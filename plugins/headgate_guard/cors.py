"""`cors`: which sites' pages may call a route, and read what it answers (https://fetch.spec.whatwg.org/#http-cors-protocol).

1. CORS is the browser's protection of its user, so what is not allowed is answered like anything else, without the lines
   that would let a page read it. It is no access control: that is for `auth.*`.
2. The lines go on every answer, errors included, or a page cannot even tell what went wrong.
3. Where the list is in force, this step alone speaks: lines of that kind from an upstream are replaced.
4. Preflights (OPTIONS with Origin and Access-Control-Request-Method) are answered here and go no further. With an empty list
   those are, too, that the route itself does not answer: nobody wrote OPTIONS on that route for them to reach an upstream.
5. What is not fixed by `methods` and `headers` is what was asked for. That grants nothing: a preflight comes to this route
   only for a method that it answers, and which headers a request may have is for the lines below to say.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from headgate.api import BEFORE_RESPONSE, HEAD, Duration, Exchange, Ge, Headers, Response, Site, Text, step

_ORIGIN: Final = b"access-control-allow-origin"
_CREDENTIALS: Final = b"access-control-allow-credentials"
_METHODS: Final = b"access-control-allow-methods"
_HEADERS: Final = b"access-control-allow-headers"
_EXPOSE: Final = b"access-control-expose-headers"
_MAX_AGE: Final = b"access-control-max-age"
_ASKED_METHOD: Final = b"access-control-request-method"
_ASKED_HEADERS: Final = b"access-control-request-headers"
_OURS: Final = frozenset({_ORIGIN, _CREDENTIALS, _METHODS, _HEADERS, _EXPOSE, _MAX_AGE})
_LIST: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz, \t"


def _prepare(site: Site, *, allow: list[str] | None = None, credentials: bool = False, **_: Any) -> None:
    """Refuse what browsers would refuse, and origins that can never match."""
    if credentials and allow is not None and "*" in allow:
        raise ValueError('credentials=true needs the origins by name: with "*" every site could act as its visitors')
    for origin in allow or ():
        if origin not in ("*", "null") and (origin.count("/") != 2 or "://" not in origin or origin != origin.lower()):
            raise ValueError(f'{origin!r} is no origin; one is written like "https://app.example.com", in lower case')


@step("cors", preflight=True, after=HEAD, phase=BEFORE_RESPONSE, prepare=_prepare)
def cors(
    ctx: Exchange,
    *,
    allow: list[Text],
    methods: list[Text] | None = None,
    headers: list[Text] | None = None,
    credentials: bool = False,
    max_age: Annotated[Duration, Ge(0)] = 600.0,
    expose: list[Text] | None = None,
) -> None:
    """Let pages of these sites call this route: origins, or "*" for all. An empty list adds nothing.

    `credentials` lets them send cookies; that needs the origins by name. `expose` names headers that a page may read,
    `max_age` how long a browser remembers a preflight. `methods` and `headers` bound what a preflight allows.
    """
    request = ctx.request
    if not allow:
        if ctx.preflight:
            ctx.end(Response(204))
        return
    origin = request.headers.get(b"origin")
    granted = _granted(origin, allow, credentials=credentials)

    def at_head(ctx: Exchange) -> None:
        if ctx.response is not None:
            _say(ctx.response.headers, granted, credentials=credentials, expose=expose)

    if origin is None or request.method != "OPTIONS" or _ASKED_METHOD not in request.headers:
        ctx.on_head(at_head)
        return
    lines = _preflight(request.headers, methods, headers, max_age) if granted else []
    answer = Response(204, lines)
    _say(answer.headers, granted, credentials=credentials, expose=None, keep=True)
    answer.headers.set(b"vary", b"origin, access-control-request-method, access-control-request-headers")
    ctx.end(answer)


def _granted(origin: bytes | None, allow: list[str], *, credentials: bool) -> bytes | None:
    """What Access-Control-Allow-Origin says; None for nothing."""
    if "*" in allow and not credentials:
        return b"*"
    if origin is not None and origin != b"*" and origin.decode("latin-1") in allow:
        return origin
    return None


def _say(
    headers: Headers, granted: bytes | None, *, credentials: bool, expose: list[str] | None, keep: bool = False
) -> None:
    """The lines of an answer. Where the origin decides, caches are told so, whoever asked."""
    if not keep:
        headers.lines = [line for line in headers.lines if line[0] not in _OURS]
    if granted != b"*" and not _varies(headers):
        headers.add(b"vary", b"origin")
    if granted is None:
        return
    headers.add(_ORIGIN, granted)
    if credentials:
        headers.add(_CREDENTIALS, b"true")
    if expose:
        headers.add(_EXPOSE, _joined(expose))


def _varies(headers: Headers) -> bool:
    said = headers.joined(b"vary")
    return said is not None and bool({b"origin", b"*"} & {part.strip().lower() for part in said.split(b",")})


def _preflight(
    asked: Headers, methods: list[str] | None, headers: list[str] | None, max_age: float
) -> list[tuple[bytes, bytes]]:
    lines = [(_MAX_AGE, b"%d" % max_age)]
    allowed = _joined(methods) if methods is not None else _plain(asked.get(_ASKED_METHOD))
    if allowed:
        lines.append((_METHODS, allowed))
    named = _joined(headers) if headers is not None else _plain(asked.joined(_ASKED_HEADERS))
    if named:
        lines.append((_HEADERS, named))
    return lines


def _joined(names: list[str]) -> bytes:
    return ", ".join(names).encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")


def _plain(value: bytes | None) -> bytes:
    """A list of tokens as it was asked for; nothing where it is anything else."""
    return b"" if value is None or value.translate(None, _LIST) else value
