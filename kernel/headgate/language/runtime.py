"""What compiled policies call: small, and each as the language defines it (docs/semantics.md).

Generated code finds these by name in its namespace (see `lower.support`). Nothing here waits.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import re2

from headgate.contracts.shapes import Usage
from headgate.contracts.values import Money, Rate, StatusClass
from headgate.errors import ClientFault, Failure, HandlerFault
from headgate.message.reasons import title as title_of
from headgate.message.response import Response
from headgate.message.url import PATH_SAFE, bad_path, canonical, refuse_dots

if TYPE_CHECKING:
    from headgate.contracts.exchange import Exchange

_FORBIDDEN_IN_HEADERS = ("\r", "\n", "\x00")
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


# --- values ----------------------------------------------------------------------------------------------------------


class NetworkSet:
    """Networks that an address may be in."""

    __slots__ = ("networks",)

    def __init__(self, networks: list[str]) -> None:
        self.networks: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]

    def __contains__(self, address: str) -> bool:
        ip = _address(address)
        return any(ip.version == network.version and ip in network for network in self.networks)


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address:
    ip = ip_address(text)
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def equal(left: Any, right: Any) -> bool:
    """`==` where both sides may be absent: absent equals nothing, not even absent."""
    return left is not None and bool(left == right)


def json_field(value: Any, name: Any) -> Any:
    """A field of JSON, or None: JSON's null and a missing field are both absence."""
    if isinstance(value, dict):
        return value.get(name)
    if (
        isinstance(value, list)
        and isinstance(name, int)
        and not isinstance(name, bool)
        and -len(value) <= name < len(value)
    ):
        return value[name]
    return None


def within(value: Any, where: Any) -> bool:
    """`in`, where it is not known what JSON holds: a list or an object; anything else holds nothing."""
    return isinstance(where, (list, dict)) and value in where


def at_least(value: Any, low: float, what: str) -> Any:
    """A value that came with the request, where less than `low` has no meaning; ClientFault 400."""
    measure = len(value) if isinstance(value, (str, bytes)) else value
    if measure is not None and measure < low:
        raise ClientFault("request.invalid", f"The value for {what} is less than {low:g}.", status=400)
    return value


def item(value: list[Any], place: int) -> Any:
    """An item of a list, or None past either end."""
    return value[place] if -len(value) <= place < len(value) else None


def full_match(pattern: Any, text: str) -> bool:
    """`matches`: the whole text, in time linear in its length."""
    return pattern.fullmatch(text) is not None


def compile_pattern(pattern: str) -> Any:
    return re2.compile(pattern)


def show(value: Any) -> str:
    """A value inside a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if value == int(value) else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, dict, msgspec.Struct)):
        return msgspec.json.encode(value).decode()
    return str(value)


def show_time(value: float) -> str:
    """A time as RFC 3339 in UTC."""
    return (
        datetime.datetime.fromtimestamp(value, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def show_duration(value: float) -> str:
    return f"{value:g}s"


def show_percent(value: float) -> str:
    return f"{value * 100:g}%"


def url_part(value: Any) -> str:
    """An interpolated value inside a URL: one component, wholly encoded."""
    return quote(show(value), safe="")


def url_path(value: Any) -> str:
    """Part of a canonical path inside a URL: its slashes stay, for it has no dot segments."""
    return quote(show(value), safe="/")


def path_part(value: Any) -> str:
    """An interpolated value inside a path that is written as text; ClientFault 400 where it would be two segments."""
    text = show(value)
    if "/" in text:
        raise bad_path("has a slash in a value that was put into it")
    return text


def no_usage() -> Usage:
    return Usage()


# --- places ----------------------------------------------------------------------------------------------------------


def header_value(name: str, value: Any) -> bytes:
    """A header's value; ClientFault 400 where it could end the line."""
    text = show(value)
    if any(char in text for char in _FORBIDDEN_IN_HEADERS):
        raise ClientFault("request.invalid", f"The value for the header {name} holds a line break.", status=400)
    return text.encode("latin-1") if text.isascii() else text.encode("utf-8")


def set_request_header(x: Exchange, name: str, value: Any) -> None:
    """What a policy sets or removes, no client can say in another spelling (`x_user_id` for `x-user-id`)."""
    line = None if value is None else header_value(name, value)
    headers = x.request.headers
    headers.remove_alike(name.encode())
    if line is not None:
        headers.add(name.encode(), line)


def set_response_header(x: Exchange, name: str, value: Any) -> None:
    assert x.response is not None
    if value is None:
        x.response.headers.remove(name.encode())
    else:
        x.response.headers.set(name.encode(), header_value(name, value))


def set_query(x: Exchange, name: str, value: Any) -> None:
    x.request.set_query(name, None if value is None else show(value))


def set_path(x: Exchange, value: str) -> None:
    """A new path, made canonical; a dot segment, which no policy needs, is a value's that was put into it."""
    refuse_dots(value)
    x.request.path, x.request.raw_path = canonical(quote(value, safe=PATH_SAFE + "%").encode())


def set_host(x: Exchange, value: str) -> None:
    x.request.host = header_value("host", value).decode("latin-1")


def set_status(x: Exchange, value: int) -> None:
    assert x.response is not None
    x.response.status = value


def set_field(record: Any, name: str, value: Any) -> None:
    """A field of a body that a line has read; whoever sends the body on sends what stands there then."""
    if isinstance(record, dict) and value is None:
        record.pop(name, None)
    elif isinstance(record, dict):
        record[name] = value
    else:
        setattr(record, name, value)


# --- answers ---------------------------------------------------------------------------------------------------------


def problem(
    status: int, detail: str, *, kind: str = "about:blank", title: str = "", instance: str = "", errors: Any = None
) -> bytes:
    """An RFC 9457 problem document; `errors` lists what is wrong with which part of a body."""
    fields = {"type": kind, "title": title, "status": status, "detail": detail, "instance": instance, "errors": errors}
    return msgspec.json.encode({key: value for key, value in fields.items() if value or key == "detail"})


def error_response(
    x: Exchange, status: int, message: str, *, kind: str = "", record: Mapping[str, Any] = MappingProxyType({})
) -> Response:
    """A refusal in the shape that the client of this exchange expects: the dialect's on AI routes, else RFC 9457."""
    if x.dialect is not None:
        return x.dialect.error(status, message, kind, record)
    instance = f"urn:request:{x.request.id}"
    body = problem(status, message, title=title_of(status), instance=instance, errors=record.get("errors"))
    return Response(status, [_PROBLEM], body)


def no_preflight(x: Exchange) -> None:
    """A preflight came past the lines that answer preflights: nobody wrote OPTIONS for it to reach an upstream."""
    raise ClientFault("request.invalid", f"{x.request.path} does not answer this preflight.", status=405)


def refuse(x: Exchange, status: int, why: str) -> None:
    """A `require` that failed."""
    x.end(error_response(x, status, why, kind="require"))


def respond(
    x: Exchange,
    status: int,
    *,
    json: Any = msgspec.UNSET,
    text: str | None = None,
    body: Any = None,
    error: str | None = None,
    type: str | None = None,
    retry_after: float | None = None,
    headers: dict[str, Any] | None = None,
) -> None:
    """`respond`: at most one body, its type, and lines of the header."""
    if error is not None:
        response = error_response(x, status, error)
    elif json is not msgspec.UNSET:
        problem_like = isinstance(json, dict) and json.keys() == {"title", "detail"}
        shaped = (
            {"type": "about:blank", "title": title_of(status), "status": status, "detail": json["detail"]}
            if problem_like
            else json
        )
        response = Response(status, [_PROBLEM if problem_like else _JSON], msgspec.json.encode(shaped))
    elif text is not None:
        response = Response(status, [_TEXT], text.encode())
    else:
        data = body if isinstance(body, bytes) else b"" if body is None else show(body).encode()
        response = Response(status, [(b"content-type", b"application/octet-stream")] if data else [], data)
    if type is not None:
        response.headers.set(b"content-type", header_value("content-type", type))
    if retry_after is not None:
        response.headers.set(b"retry-after", str(max(0, -int(-retry_after // 1))).encode())
    for name, value in (headers or {}).items():
        response.headers.set(name.lower().encode(), header_value(name, value))
    x.end(response)


def redirect(x: Exchange, location: str, *, status: int = 302, headers: dict[str, Any] | None = None) -> None:
    respond(x, status, headers={**(headers or {}), "location": location})


# --- failures --------------------------------------------------------------------------------------------------------


class Err:
    """`err` inside a handler: kind, status, message, and the fields of its kind."""

    __slots__ = ("failure",)

    def __init__(self, failure: Failure) -> None:
        self.failure = failure

    def field(self, name: str) -> Any:
        return self.failure.record.get(name)


def recover(x: Exchange, failure: Failure, before: Response | None) -> Err:
    """Enter a handler: an answer that was found since `before` is given up."""
    if x.response is not None and x.response is not before:
        x.answer_nothing()
        x.response = before
    x.ended = False
    x.failure = failure
    return Err(failure)


def handler_failed(failure: Failure) -> HandlerFault:
    return HandlerFault(f"a handler failed with {failure.kind}: {failure.message}")


def start_shadow(x: Exchange) -> tuple[Any, ...]:
    """Remember what a shadowed step may not change. What it does at the close stays: it gives back its own accounts."""
    return (x.caller, x.response, x.ended, _copy(x.after_head), _copy(x.filters))


def _copy(calls: list[Any] | None) -> list[Any] | None:
    return None if calls is None else list(calls)


def end_shadow(x: Exchange, kept: tuple[Any, ...], site_key: str, failure: BaseException | None) -> None:
    """Put it back, and note what the step would have decided."""
    x.caller, x.response, x.ended, x.after_head, x.filters = kept
    if x.shadows is None:
        x.shadows = []
    verdict = "pass" if failure is None else failure.kind if isinstance(failure, Failure) else "fault"
    x.shadows.append((site_key, verdict))


def missed(x: Exchange, site_key: str, error: Exception) -> None:
    """An `optional` step failed: say so in the log, and go on."""
    x.note("missed", [*(x.log or {}).get("missed", []), f"{site_key}: {error}"])


SUPPORT: dict[str, Callable[..., Any] | type] = {
    call.__name__: call
    for call in (
        equal, json_field, item, full_match, show, show_time, show_duration, show_percent, url_part, url_path, path_part, no_usage,
        set_request_header, set_response_header, set_query, set_path, set_host, set_status, set_field, no_preflight, within, at_least, refuse, respond, redirect,
        recover, handler_failed, start_shadow, end_shadow, missed, NetworkSet, Failure, Money, Rate, StatusClass,
    )
}  # fmt: skip
