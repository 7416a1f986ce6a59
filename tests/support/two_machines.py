"""One request through the compiled program, its traced twin, and the oracle: what each of them did."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from oracle import Oracle
from stand_ins import StandIns

from headgate.contracts.exchange import Exchange, RouteInfo
from headgate.contracts.memory import MemoryCalls
from headgate.contracts.node import Node, Stores
from headgate.errors import Failure, HandlerFault
from headgate.host.plugins import load_plugins
from headgate.language.check.modules import load
from headgate.language.check.result import BoundResource, Checked
from headgate.language.check.run import check
from headgate.language.emit import RouteProgram, compile_program
from headgate.language.render import render
from headgate.language.resources import ResourceContext
from headgate.message.body import BytesBody
from headgate.message.headers import Headers
from headgate.message.request import Client, Request
from headgate.message.url import canonical
from headgate.pipeline.provision import parallel
from headgate.pipeline.trace import Trace

PLUGINS = load_plugins([("stand-ins", StandIns)], discover=False)


class FixedClock:
    def time(self) -> float:
        return 1_700_000_000.0

    def monotonic(self) -> float:
        return 0.0


NODE = Node(FixedClock(), None, None, Stores())  # type: ignore[arg-type]


def checked_of(text: str, **files: str) -> Checked:
    named = {"main.policy": text, **files}
    loaded = load(["main.policy"], named.get)
    checked = check(loaded, PLUGINS.vocabulary)
    assert not checked.errors, render(checked.errors, loaded.sources) + "\n" + text
    return checked


def exchange(target: str, headers: dict[str, str], params: dict[str, Any]) -> Exchange:
    node = Node(FixedClock(), None, None, Stores(calls=MemoryCalls()))  # type: ignore[arg-type]
    path, _, query = target.partition("?")
    decoded, raw = canonical(path.encode())
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    request = Request(
        method="GET", path=decoded, raw_path=raw, query_string=query.encode(), host="a.example", scheme="http",
        headers=Headers(lines), body=BytesBody(), id="r1",
    )  # fmt: skip
    x = Exchange(request, Client("10.1.2.3", 99), node, started=0.0, started_at=0.0)
    x.params = params
    return x


async def ending(x: Exchange, run: Any) -> dict[str, Any]:
    """Run it, then the heads and the closes as the engine would, and say all that can be seen."""
    raised: Any = None
    try:
        await run(x)
    except HandlerFault:
        raised = "handler"
    except Failure as failure:
        raised = failure.kind
    except Exception as error:
        raised = type(error).__name__
    for call in reversed(x.after_head or []):
        call(x)
    x.outcome = "ok"
    for close in reversed(x.after_close or []):
        try:
            waits = close(x)
            if waits is not None:
                await waits
        except Exception as error:
            x.node.state.setdefault("calls", []).append(("close failed", type(error).__name__))
    response = x.response
    return {
        "raised": raised,
        "ended": x.ended,
        "status": response.status if response else None,
        "headers": sorted(response.headers.lines) if response else None,
        "body": response.body if response else None,
        "calls": x.node.state.get("calls", []),
        "request": (
            x.request.path,
            x.request.raw_path,
            x.request.query_string,
            x.request.host,
            sorted(x.request.headers.lines),
        ),
        # The oracle numbers lines as they run, the compiler as they stand: only the step is compared.
        "shadows": [(re.sub(r"#\d+", "", key), verdict) for key, verdict in x.shadows or ()],
        "missed": [re.sub(r"#\d+", "", text) for text in (x.log or {}).get("missed", [])],
        "discarded": len(x.discard or ()),
    }


def build(bound: BoundResource) -> Any:
    """A resource's name stands for it; one that takes parameters is built by those who call it."""
    return (
        partial(bound.spec.build, ResourceContext(bound.node.name, bound.node.span, NODE))
        if bound.node.params
        else bound.node.name
    )


async def run_all(
    checked: Checked,
    route: str,
    target: str = "/",
    headers: dict[str, str] | None = None,
    params: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """What the compiled route, its twin, and the oracle did."""
    linked = compile_program(checked).link(build, {"parallel": parallel})
    program = next(found for found in linked.routes if found.name == route)
    seen = []
    for machine in ("compiled", "traced", "oracle"):
        x = exchange(target, headers or {}, params or {})
        x.route = RouteInfo(route, public=program.route.public)
        seen.append(await ending(x, runner(machine, program, checked, x)))
    return seen


def runner(machine: str, program: RouteProgram, checked: Checked, x: Exchange) -> Any:
    if machine == "compiled":
        return program.run
    if machine == "traced":
        x.trace = Trace(program.lines, FixedClock())
        return program.traced
    return lambda x: Oracle(checked).run(program.route, x)
