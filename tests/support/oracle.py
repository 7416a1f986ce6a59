"""The reference interpreter: what a policy means, said a second time and as plainly as possible.

It walks the tree, and shares no code with lowering, emission or their runtime; from the checker it takes what names
mean and which parameter an argument belongs to. Where it and the compiled program differ, docs/semantics.md decides.
"""

from __future__ import annotations

import copy
import inspect
import ipaddress
import re
from typing import Any
from urllib.parse import quote

import msgspec
import re2

from headgate.contracts.exchange import Exchange
from headgate.contracts.shapes import Usage
from headgate.contracts.values import StatusClass
from headgate.errors import ClientFault, Failure, HandlerFault
from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.result import Checked
from headgate.language.resources import ResourceContext
from headgate.language.vocabulary import ArmRun, Site
from headgate.message.response import Response
from headgate.message.url import PATH_SAFE, canonical


class End(Exception):
    """`respond`, `redirect` or a failed `require`: no further line runs."""


class Gave(Exception):
    """`give`: the block around it has its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Names:
    """Lexical names."""

    def __init__(self, parent: Names | None = None) -> None:
        self.parent = parent
        self.values: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        return self.parent.get(name) if self.parent is not None else None


class Oracle:
    """Runs one route on one exchange."""

    def __init__(self, checked: Checked, resources: dict[str, Any] | None = None) -> None:
        self.checked = checked
        self.resources = resources or {}
        self.counts: dict[str, int] = {}
        self.route = ""
        self.closing = False

    async def run(self, route: tree.Route, x: Exchange) -> None:
        self.route = route.name
        self.x = x
        try:
            await self.body(route.body, Names())
        except End:
            pass

    # --- bodies ------------------------------------------------------------------------------------------------------

    async def body(self, block: tree.Block, names: Names) -> Any:
        """A body with its own handlers and closers; its value is its last line's, or what is given."""
        plain = [line for line in block.statements if not isinstance(line, (tree.On, tree.Finally))]
        for line in block.statements:
            if isinstance(line, tree.Finally):
                self.close(line, names)
        before = self.x.response
        try:
            return await self.lines(plain, names)
        except Gave as gave:
            return gave.value
        except Failure as failure:
            handler = self.handler(block, failure)
            if handler is None:
                raise
            return await self.handle(handler, failure, names, before)

    async def lines(self, lines: list[tree.Stmt], names: Names) -> Any:
        value = None
        for line in lines:
            value = await self.line(line, names)
        return value if lines and isinstance(lines[-1], (tree.Step, tree.Use)) else None

    def handler(self, block: tree.Block, failure: Failure) -> tree.On | None:
        """The handler whose pattern names the kind most exactly."""
        best: tuple[int, tree.On] | None = None
        for on in block.statements:
            if not isinstance(on, tree.On):
                continue
            for pattern in on.patterns:
                exact = not pattern.wild and pattern.kind == failure.kind
                below = pattern.wild and failure.kind.startswith(pattern.kind + ".")
                rank = 1_000_000 if exact else len(pattern.kind) if below else 0
                if rank and (best is None or rank > best[0]):
                    best = (rank, on)
        return best[1] if best is not None else None

    async def handle(self, handler: tree.On, failure: Failure, names: Names, before: Response | None) -> Any:
        if self.x.response is not before:
            self.x.answer_nothing()
            self.x.response = before
        self.x.ended = False
        self.x.failure = failure
        inner = Names(names)
        inner.values["err"] = failure
        try:
            for line in handler.block.statements:
                await self.line(line, inner)
        except Gave as gave:
            return gave.value
        except Failure as second:
            raise HandlerFault(str(second)) from second
        if self.x.response is before:
            raise failure
        return None

    def close(self, closer: tree.Finally, names: Names) -> None:
        async def run(x: Exchange) -> None:
            self.closing = True
            inner = Names(names)
            for line in closer.block.statements:
                await self.line(line, inner)

        self.x.on_close(run)

    # --- lines -------------------------------------------------------------------------------------------------------

    async def line(self, line: tree.Stmt, names: Names) -> Any:
        match line:
            case tree.Step():
                return await self.step(line, names)
            case tree.Use():
                return await self.use(line, names)
            case tree.Let():
                names.values[line.bind.name] = self.value(line.value, names)
            case tree.Set():
                self.change(line.place, self.value(line.value, names), names, line.value)
            case tree.Remove():
                self.change(line.place, None, names, None)
            case tree.If():
                for condition, block in line.branches:
                    if self.value(condition, names):
                        return await self.inside(block, names)
                if line.otherwise is not None:
                    return await self.inside(line.otherwise, names)
            case tree.Match():
                subject = self.value(line.subject, names)
                for case in line.cases:
                    if any(subject == self.value(value, names) for value in case.values):
                        return await self.inside(case.block, names)
                if line.otherwise is not None:
                    return await self.inside(line.otherwise, names)
            case tree.Require():
                if not self.value(line.condition, names):
                    self.problem(int(str(line.status.value)), self.value(line.why, names))
                    raise End
            case tree.Respond():
                self.respond(
                    self.value(line.status, names), {arg.name: self.value(arg.value, names) for arg in line.named}
                )
                raise End
            case tree.Redirect():
                more = {arg.name: self.value(arg.value, names) for arg in line.named}
                headers = {**more.get("headers", {}), "location": self.text(line.location, names, url=True)}
                self.respond(more.get("status", 302), {"headers": headers})
                raise End
            case tree.Parallel():
                # One after the other: what runs at once has no order that a policy could see.
                for inner in line.block.statements:
                    await self.line(inner, names)
            case tree.Give():
                raise Gave(self.value(line.value, names))
            case _:
                raise AssertionError(type(line))
        return None

    async def inside(self, block: tree.Block, names: Names) -> None:
        """The lines of an `if` or `match`: no handlers, no value; names end with it."""
        inner = Names(names)
        for line in block.statements:
            await self.line(line, inner)

    async def step(self, step: tree.Step, names: Names) -> Any:
        bound = self.checked.steps[step]
        spec = bound.spec
        number = self.counts.get(step.name, 0)
        self.counts[step.name] = number + 1
        site = Site(self.route, step.name, number, step.span.file, step.span.line, shadow=step.shadow)
        args: list[Any] = [self.x]
        if step.block is not None and spec.block is not None:
            args.append(self.runs(step.block, spec.block.shape, names))
        if bound.unnamed is not None:
            args.append(self.value(bound.unnamed, names))
        named = {name: self.value(value, names) for name, value in bound.args.items()}
        if spec.site is not None:
            named[spec.site] = site
        value = await self.call(step, spec.call, args, named, site)
        if step.bind is not None:
            names.values[step.bind.name] = value
        if self.x.ended and not self.closing:
            raise End
        return value

    async def call(self, step: tree.Step, call: Any, args: list[Any], named: dict[str, Any], site: Site) -> Any:
        x = self.x
        kept = (x.caller, x.response, x.ended, list(x.after_head or ()), list(x.filters or ()))
        try:
            self.bounds(step, named)
            value = call(*args, **named)
            value = await value if inspect.isawaitable(value) else value
        except Exception as error:
            if step.optional:
                x.note("missed", [*(x.log or {}).get("missed", []), f"{site.key}: {error}"])
                return None
            if not step.shadow:
                raise
            verdict, value = error.kind if isinstance(error, Failure) else "fault", None
        else:
            verdict = "pass"
        if step.shadow:
            x.caller, x.response, x.ended = kept[:3]
            x.after_head, x.filters = (kept[3] or None, kept[4] or None)
            x.shadows = [*(x.shadows or ()), (site.key, verdict)]
        return value

    def bounds(self, step: tree.Step, named: dict[str, Any]) -> None:
        """No value is less than its parameter takes."""
        for param in self.checked.steps[step].spec.params:
            kind = t.strip(param.type)
            low = kind.low if isinstance(kind, t.Bounded) else 0 if kind in (t.DURATION, t.SIZE) else None
            value = named.get(param.name)
            if (
                low is not None
                and value is not None
                and (len(value) if isinstance(value, (str, bytes)) else value) < low
            ):
                said = f"The value for `{param.name}` of `{step.name}` is less than {low:g}."
                raise ClientFault("request.invalid", said, status=400)

    def runs(self, block: tree.Block, shape: str, names: Names) -> Any:
        if shape == "body":
            return self.closure(block, names)
        arms = []
        for line in block.statements:
            inner = line.block.statements if isinstance(line, tree.Arm) else (line,)
            share = line.share if isinstance(line, tree.Arm) else None
            body = tree.Block(line.span, tuple(inner))
            arms.append(ArmRun(self.closure(body, names), None if share is None else float(str(share.value)), ""))
        return tuple(arms)

    def closure(self, block: tree.Block, names: Names) -> Any:
        async def run(x: Exchange | None = None) -> Any:
            here = copy.copy(self)  # on its own view of the exchange, if it is given one
            here.x = x or self.x
            try:
                return await here.body(block, Names(names))
            except End:
                return None

        return run

    async def use(self, use: tree.Use, names: Names) -> Any:
        bound = self.checked.uses[use]
        inner = Names()
        for param in bound.fragment.params:
            given = bound.args.get(param.name)
            inner.values[param.name] = self.value(param.default if given is None else given, names)
        value = await self.body(bound.fragment.body, inner)
        if use.bind is not None:
            names.values[use.bind.name] = value
        if self.x.ended:
            raise End
        return value

    # --- answers and places ------------------------------------------------------------------------------------------

    def problem(self, status: int, why: str) -> None:
        from http import HTTPStatus

        # RFC 9110; older Pythons have older words
        renamed = {
            413: "Content Too Large",
            414: "URI Too Long",
            416: "Range Not Satisfiable",
            422: "Unprocessable Content",
        }
        known = {one.value: one.phrase for one in HTTPStatus} | renamed
        title = known.get(status) or {4: "Client Error", 5: "Server Error"}[status // 100]
        body = {"title": title, "status": status, "detail": why, "instance": f"urn:request:{self.x.request.id}"}
        body = {"type": "about:blank", **body}
        self.x.end(Response(status, [(b"content-type", b"application/problem+json")], msgspec.json.encode(body)))

    def respond(self, status: int, args: dict[str, Any]) -> None:
        response = Response(status)
        if args.get("error") is not None:
            self.problem(status, args["error"])
            assert self.x.response is not None
            response = self.x.response
        elif "json" in args:
            response.body = msgspec.json.encode(args["json"])
            response.headers.set(b"content-type", b"application/json")
        elif args.get("text") is not None:
            response.body = args["text"].encode()
            response.headers.set(b"content-type", b"text/plain; charset=utf-8")
        if args.get("retry_after") is not None:
            seconds = args["retry_after"]
            whole = int(seconds) if seconds == int(seconds) else int(seconds) + 1
            response.headers.set(b"retry-after", str(whole).encode())
        for name, value in (args.get("headers") or {}).items():
            response.headers.set(name.lower().encode(), self.header(value))
        self.x.end(response)

    def header(self, value: Any) -> bytes:
        text = self.show(value)
        if re.search("[\r\n\0]", text):
            raise ClientFault("request.invalid", "a line break in a header", status=400)
        return text.encode()

    def change(self, place: tree.Expr, value: Any, names: Names, written: tree.Expr | None) -> None:
        x = self.x
        if isinstance(place, tree.Index):
            assert isinstance(place.base, tree.Attr)
            key = str(self.value(place.key, names))
            assert isinstance(place.base.base, tree.Name)
            if place.base.name == "query":
                x.request.set_query(key, None if value is None else self.show(value))
                return
            headers = x.request.headers if place.base.base.name == "request" else x.response.headers  # type: ignore[union-attr]
            headers.remove(key.lower().encode())
            if value is not None:
                headers.add(key.lower().encode(), self.header(value))
            return
        assert isinstance(place, tree.Attr)
        root = place.base.name if isinstance(place.base, tree.Name) else ""
        if (root, place.name) == ("response", "status"):
            x.response.status = value  # type: ignore[union-attr]
        elif (root, place.name) == ("request", "host"):
            x.request.host = value
        elif (root, place.name) == ("request", "path"):
            assert written is not None
            said = self.text(written, names, url=True)
            if {".", ".."} & set(said.split("/")):
                raise ClientFault("request.invalid", "The path has a dot segment.", status=400)
            encoded = quote(said, safe=PATH_SAFE + "%")
            x.request.path, x.request.raw_path = canonical(encoded.encode())
        else:
            record = self.value(place.base, names)
            if isinstance(record, dict):
                record[place.name] = value
                if value is None:
                    del record[place.name]
            else:
                setattr(record, place.name, value)

    # --- expressions -------------------------------------------------------------------------------------------------

    def value(self, expr: tree.Expr, names: Names) -> Any:
        if expr in self.checked.words:
            return self.checked.constants[expr]
        match expr:
            case tree.Literal(kind="percent", value=value):
                return float(str(value))
            case tree.Literal(value=value):
                return value
            case tree.Grouped(inner=inner):
                return self.value(inner, names)
            case tree.Interpolation():
                return self.text(expr, names, url=False)
            case tree.Name(name=name):
                return self.name(expr, name, names)
            case tree.Attr():
                return self.attr(expr, names)
            case tree.Index():
                return self.index(expr, names)
            case tree.Call() if expr in self.checked.calls:
                return self.filled(expr, names)
            case tree.Call():
                bound = self.checked.functions[expr]
                given = {name: self.value(value, names) for name, value in bound.args.items()}
                first = [param.name for param in bound.spec.params[: bound.spec.positional]]
                return bound.spec.call(*[given.pop(name) for name in first if name in given], **given)
            case tree.ListOf(items=items):
                return [self.value(item, names) for item in items]
            case tree.ObjectOf(pairs=pairs):
                return {key: self.value(value, names) for key, value in pairs}
            case tree.Presence(operand=operand, present=present):
                return (self.value(operand, names) is not None) == present
            case tree.Unary(op="not", operand=operand):
                return not self.value(operand, names)
            case tree.Unary(operand=operand):
                return -self.value(operand, names)
            case tree.Binary():
                return self.binary(expr, names)
        raise AssertionError(type(expr))

    def filled(self, expr: tree.Call, names: Names) -> Any:
        """A resource with parameters: its attributes, with these values for its names."""
        call = self.checked.calls[expr]
        node = call.resource.node
        inner = Names()
        for param in node.params:
            given = call.args.get(param.name)
            inner.values[param.name] = self.value(param.default if given is None else given, names)
        attrs = {attr.name: self.value(attr.value, inner) for attr in node.attrs}
        return call.resource.spec.build(ResourceContext(node.name, node.span, self.x.node), **attrs)

    def name(self, expr: tree.Expr, name: str, names: Names) -> Any:
        symbol = self.checked.symbols[expr]
        if symbol.kind == "const":
            return self.value(symbol.ref.value, Names())
        if symbol.kind == "resource":
            return self.resource(symbol)
        if symbol.kind == "type":
            return self.checked.constants[expr]
        if symbol.kind == "root":
            return self.root(name, names)
        return names.get(name)

    def resource(self, symbol: Any) -> Any:
        """A resource as it was built; without one, its name stands for it."""
        return self.resources.get(symbol.name, symbol.name)

    def root(self, name: str, names: Names) -> Any:
        x = self.x
        match name:
            case "now":
                return x.node.clock.time()
            case "usage":
                return x.usage if x.usage is not None else Usage()
            case "err":
                failure = names.get("err")
                return {
                    "kind": failure.kind,
                    "status": failure.status_hint,
                    "message": failure.message,
                    **failure.record,
                }
        return getattr(x, name)

    def attr(self, expr: tree.Attr, names: Names) -> Any:
        symbol = self.checked.symbols.get(expr)
        if symbol is not None:
            if symbol.kind == "const":
                return self.value(symbol.ref.value, Names())
            return self.checked.constants[expr] if symbol.kind == "type" else self.resource(symbol)
        base = self.value(expr.base, names)
        return self.field(base, expr.name)

    def field(self, base: Any, name: Any) -> Any:
        if base is None:
            return None
        if isinstance(base, dict):
            return base.get(name)
        if base is self.x.request and name in ("header", "query", "cookie", "params"):
            return (base, name)
        if isinstance(base, Response) and name == "header":
            return (base, name)
        if isinstance(base, Response) and name == "bytes":
            return self.x.bytes_out
        if isinstance(base, tuple):
            return self.entry(base, name)
        return getattr(base, name)

    def entry(self, place: tuple[Any, str], key: str) -> Any:
        base, kind = place
        match kind:
            case "header":
                values = [value.decode("latin-1") for name, value in base.headers if name == key.lower().encode()]
                return ", ".join(values) if values else None
            case "query":
                return next((value for name, value in base.query if name == key), None)
            case "params":
                return self.x.params.get(key)
        return base.cookie(key)

    def index(self, expr: tree.Index, names: Names) -> Any:
        base, key = self.value(expr.base, names), self.value(expr.key, names)
        if base is None:
            return None
        if isinstance(base, tuple):
            return self.entry(base, key)
        if isinstance(base, dict):
            return base.get(key)
        if isinstance(base, list) and isinstance(key, int):
            return base[key] if -len(base) <= key < len(base) else None
        return None

    def binary(self, expr: tree.Binary, names: Names) -> Any:
        op = expr.op
        left = self.value(expr.left, names)
        if op == "and":
            return self.value(expr.right, names) if left else False
        if op == "or":
            return True if left else self.value(expr.right, names)
        if op == "??":
            return self.value(expr.right, names) if left is None else left
        right = self.value(expr.right, names)
        match op:
            case "==":
                return self.same(left, right)
            case "!=":
                return not self.same(left, right)
            case "in":
                return self.among(expr, left, right)
            case "not in":
                return not self.among(expr, left, right)
            case "matches":
                return re2.fullmatch(right, left) is not None
            case "<":
                return left < right
            case "<=":
                return left <= right
            case ">":
                return left > right
            case ">=":
                return left >= right
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
        return left % right

    def same(self, left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if isinstance(right, StatusClass):
            return left // 100 == right.hundreds
        return bool(left == right)

    def among(self, expr: tree.Binary, left: Any, right: Any) -> bool:
        if isinstance(right, StatusClass):
            return left // 100 == right.hundreds
        if t.strip(self.checked.types[expr.left]) == t.IP and isinstance(right, list):
            return any(ipaddress.ip_address(left) in ipaddress.ip_network(net) for net in right)
        return isinstance(right, (list, dict)) and left in right

    def text(self, expr: tree.Expr, names: Names, *, url: bool) -> str:
        if not isinstance(expr, tree.Interpolation):
            return self.value(expr, names)
        out = ""
        for part in expr.parts:
            if isinstance(part, str):
                out += part
            else:
                shown = self.show(self.value(part, names), self.checked.types[part])
                out += quote(shown, safe="/" if self.is_path(part) else "") if url else shown
        return out

    def is_path(self, part: tree.Expr) -> bool:
        """Parts of the request's own path keep their slashes."""
        match part:
            case tree.Attr(base=tree.Attr(base=tree.Name(name="request"), name="params")):
                return True
            case tree.Attr(base=tree.Name(name="request"), name="path"):
                return True
        return False

    def show(self, value: Any, kind: t.Type | None = None) -> str:
        if value is True or value is False:
            return "true" if value else "false"
        if kind == t.DURATION:
            return f"{value:g}s"
        if kind == t.PERCENT:
            return f"{value * 100:g}%"
        if isinstance(value, float):
            return f"{value:g}" if value == int(value) else repr(value)
        return str(value)
