"""Lines as Python statements."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from headgate.contracts.meters import Around
from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.bodies import last_line
from headgate.language.check.fitting import bounds_of
from headgate.language.check.result import BoundStep, Checked
from headgate.language.check.walk import binds_of
from headgate.language.lower import nodes
from headgate.language.lower.ending import any_ends, can_end
from headgate.language.lower.expressions import Expressions
from headgate.language.lower.handlers import guard
from headgate.language.lower.pool import Pool, Resources
from headgate.language.lower.roots import ExchangeRoots
from headgate.language.source import Span
from headgate.language.vocabulary import ParamSpec, Site, StepSpec


@dataclass(slots=True)
class Unit:
    """One route being lowered: its functions by file, its lines for the trace, and its sites, counted by step.

    `preflight`: one of its lines answers preflights, so some may come that no line has answered. `within` are the blocks around the line that is being lowered, those around the `use` of its fragment included.
    """

    route: str
    traced: bool
    functions: list[tuple[str, ast.stmt]] = field(default_factory=list)
    lines: list[Span] = field(default_factory=list)
    sites: dict[str, int] = field(default_factory=dict)
    uses: list[str] = field(default_factory=list)
    within: list[Around] = field(default_factory=list)
    preflight: bool = False
    websocket: bool = False


class Lines:
    """Lowers the lines of one Python function. `waits` turns true with the first line that has to wait."""

    def __init__(self, checked: Checked, pool: Pool, unit: Unit) -> None:
        self.checked = checked
        self.pool = pool
        self.unit = unit
        self.expressions = Expressions(checked, pool, ExchangeRoots())
        self.waits = False

    # --- bodies --------------------------------------------------------------------------------------------------------

    def body(self, block: tree.Block, *, hands_out: bool) -> list[ast.stmt]:
        """The lines of a function's body; with `hands_out` it returns the value of its last line."""
        handlers = [line for line in block.statements if isinstance(line, tree.On)]
        closers = [line for line in block.statements if isinstance(line, tree.Finally)]
        plain = [line for line in block.statements if not isinstance(line, (tree.On, tree.Finally))]
        lines = self._lines(plain, last_line(block) if hands_out else None)
        guarded = guard(lines or [ast.Pass()], handlers, lambda inner: self._lines(inner.statements, None))
        start = [statement for closer in closers for statement in self._closer(closer, plain)]
        return [*start, *guarded]

    def _lines(self, lines: Sequence[tree.Stmt], last: tree.Stmt | None) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for line in lines:
            if self.unit.traced:
                out.append(self._trace(line.span))
            out.extend(nodes.place(statement, line.span) for statement in self.line(line, hand_out=line is last))
        return out

    def _trace(self, span: Span) -> ast.stmt:
        self.unit.lines.append(span)
        at = nodes.call(nodes.attribute(nodes.load("x"), "trace", "at"), nodes.constant(len(self.unit.lines) - 1))
        return nodes.place(nodes.expression(at), span)

    def _saw(self, value: ast.expr) -> list[ast.stmt]:
        """In the traced twin: what the line that was entered last came to."""
        if not self.unit.traced:
            return []
        number = nodes.constant(len(self.unit.lines) - 1)
        return [nodes.expression(nodes.call(nodes.attribute(nodes.load("x"), "trace", "saw"), number, value))]

    def _closer(self, line: tree.Finally, above: Sequence[tree.Stmt]) -> list[ast.stmt]:
        """`finally` as a closure that the engine calls at the close.

        What the lines `above` it bind is None until they do; names from around the body are bound already.
        """
        inner = Lines(self.checked, self.pool, self.unit)
        body = inner._lines(line.block.statements, None)
        name = self.pool.fresh("finally_")
        read = {
            node.id
            for statement in body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and node.id[:2] == "v_"
        }
        bound = {f"v_{bind.name}" for one in above for bind in binds_of(one)}
        empty = [nodes.assign(name, nodes.constant(None)) for name in sorted(read & bound)]
        register = nodes.expression(nodes.call(nodes.attribute(nodes.load("x"), "on_close"), nodes.load(name)))
        closure = nodes.function(name, ["x"], body, waits=inner.waits)
        return [nodes.place(statement, line.span) for statement in (*empty, closure, register)]

    # --- lines -----------------------------------------------------------------------------------------------------------

    def line(self, line: tree.Stmt, *, hand_out: bool) -> list[ast.stmt]:
        """One line. `hand_out`: it is the last of a body whose value is wanted."""
        match line:
            case tree.Step():
                return self._step(line, hand_out=hand_out)
            case tree.Use():
                return self._use(line, hand_out=hand_out)
            case tree.Let(bind=bind, value=value):
                return [
                    nodes.assign(f"v_{bind.name}", self.expressions.lower(value)),
                    *self._saw(nodes.load(f"v_{bind.name}")),
                ]
            case tree.Set():
                return [self._set(line.place, self.expressions.lower(line.value), line)]
            case tree.Remove():
                return [self._set(line.place, nodes.constant(None), line)]
            case tree.If():
                return self._if(line)
            case tree.Match():
                return self._match(line)
            case tree.Require():
                return self._require(line)
            case tree.Respond():
                return self._end("respond", self.expressions.lower(line.status), line.named)
            case tree.Redirect():
                return self._end("redirect", self.expressions.text(line.location, "url"), line.named)
            case tree.Give(value=value):
                return [nodes.returns(self.expressions.lower(value))]
            case tree.Parallel(block=block):
                return self._parallel(block)
        raise AssertionError(f"no lowering for {type(line).__name__}")

    def _asks(self, line: tree.Stmt) -> list[ast.stmt]:
        """`if x.ended: return`, behind what can end."""
        if not can_end(self.checked, line):
            return []
        return [nodes.branch(nodes.attribute(nodes.load("x"), "ended"), [nodes.returns()])]

    def _if(self, line: tree.If) -> list[ast.stmt]:
        # In the order of the text, since sites are numbered by it; then chained from the end.
        made = [
            (self.expressions.lower(condition), self._lines(block.statements, None), condition.span)
            for condition, block in line.branches
        ]
        chain = self._lines(line.otherwise.statements, None) if line.otherwise is not None else []
        for test, body, span in reversed(made):
            chain = [nodes.place(nodes.branch(test, body, chain), span)]
        return chain

    def _match(self, line: tree.Match) -> list[ast.stmt]:
        name = self.pool.fresh("m")
        subject = [nodes.assign(name, self.expressions.lower(line.subject)), *self._saw(nodes.load(name))]
        made = [(self._case(name, case), self._lines(case.block.statements, None), case.span) for case in line.cases]
        chain = self._lines(line.otherwise.statements, None) if line.otherwise is not None else []
        for test, body, span in reversed(made):
            chain = [nodes.place(nodes.branch(test, body, chain), span)]
        return [*subject, *chain]

    def _case(self, name: str, case: tree.Case) -> ast.expr:
        values = [self.expressions.lower(value) for value in case.values]
        tests: list[ast.expr] = [ast.Compare(nodes.load(name), [ast.Eq()], [value]) for value in values]
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)

    def _require(self, line: tree.Require) -> list[ast.stmt]:
        why = self.expressions.text(line.why)
        refuse = nodes.call("refuse", nodes.load("x"), nodes.constant(line.status.value), why)
        test = ast.UnaryOp(ast.Not(), self.expressions.lower(line.condition))
        return [nodes.branch(test, [nodes.expression(refuse), nodes.returns()])]

    def _end(self, name: str, value: ast.expr, named: tuple[tree.Argument, ...]) -> list[ast.stmt]:
        args = {arg.name: self.expressions.lower(arg.value) for arg in named}
        return [nodes.expression(nodes.call(name, nodes.load("x"), value, **args)), nodes.returns()]

    def _set(self, place: tree.Expr, value: ast.expr, line: tree.Set | tree.Remove) -> ast.stmt:
        x = nodes.load("x")
        if (
            isinstance(place, tree.Index)
            and isinstance(place.base, tree.Attr)
            and isinstance(place.base.base, tree.Name)
        ):
            key = str(self.checked.constants[place.key])
            root, kind = place.base.base.name, place.base.name
            if kind == "query":
                return nodes.expression(nodes.call("set_query", x, nodes.constant(key), value))
            return nodes.expression(nodes.call(f"set_{root}_header", x, nodes.constant(key.lower()), value))
        assert isinstance(place, tree.Attr)
        if isinstance(place.base, tree.Name) and place.base.name in ("request", "response"):
            setter = {"path": "set_path", "host": "set_host", "status": "set_status"}[place.name]
            if place.name == "path" and isinstance(line, tree.Set):
                value = self.expressions.text(line.value, "url")
            return nodes.expression(nodes.call(setter, x, value))
        return self._set_field(place, value)

    def _set_field(self, place: tree.Attr, value: ast.expr) -> ast.stmt:
        """A field of a body that was read: the record is told, so that what goes upstream follows."""
        base = self.expressions.lower(place.base)
        return nodes.expression(nodes.call("set_field", base, nodes.constant(place.name), value))

    # --- steps -----------------------------------------------------------------------------------------------------------

    def _step(self, step: tree.Step, *, hand_out: bool) -> list[ast.stmt]:
        bound = self.checked.steps[step]
        site = self._site(step, bound)
        before, runs = self._runs(step, bound)
        if self.unit.preflight and bound.spec.effect == "upstream":
            asked = nodes.attribute(nodes.load("x"), "preflight")
            before = [nodes.branch(asked, [nodes.expression(nodes.call("no_preflight", nodes.load("x")))]), *before]
        args, named = self._arguments(bound, site, runs)
        name = f"v_{step.bind.name}" if step.bind is not None else None
        called = self._call(bound.spec, args, named, fast=not step.shadow and not runs)
        if step.shadow or step.optional:
            return [*before, *self._careful(step, site, called, name)]
        if hand_out and name is None and not self.unit.traced:
            return [*before, nodes.returns(called)]
        out = [*before, nodes.assign(name, called) if name else nodes.expression(called)]
        if name:
            out.extend(self._saw(nodes.load(name)))
        if hand_out:
            assert isinstance(out[len(before)], (ast.Assign, ast.Expr))
            out[len(before)] = nodes.assign(name or "value", called)
            return [*out, nodes.returns(nodes.load(name or "value"))]
        return [*out, *self._asks(step)]

    def _call(self, spec: StepSpec, args: list[ast.expr], named: dict[str, ast.expr], *, fast: bool) -> ast.expr:
        call = nodes.call(self.pool.step(spec), *args, **named)
        if not spec.is_async:
            return call
        self.waits = True
        if spec.fast is None or not fast:
            return ast.Await(call)
        quick = nodes.call(self.pool.step(spec, fast=True), *args, **named)
        name = self.pool.fresh("_t")
        slow = ast.Compare(ast.NamedExpr(nodes.store(name), quick), [ast.Is()], [nodes.load("SLOW")])
        return ast.IfExp(slow, ast.Await(call), nodes.load(name))

    def _site(self, step: tree.Step, bound: BoundStep) -> str:
        count = self.unit.sites.get(step.name, 0)
        self.unit.sites[step.name] = count + 1
        span = step.span
        site = Site(
            self.unit.route, step.name, count, span.file, span.line, shadow=step.shadow, within=tuple(self.unit.within),
            websocket=self.unit.websocket,
        )  # fmt: skip
        known = {
            name: self.checked.constants[value] for name, value in bound.args.items() if value in self.checked.constants
        }
        for param in bound.spec.params:
            if param.const and not param.required and param.name not in bound.args:
                known[param.name] = param.default
        if bound.unnamed is not None and bound.unnamed in self.checked.constants and bound.spec.unnamed is not None:
            known[bound.spec.unnamed.name] = self.checked.constants[bound.unnamed]
        name = self.pool.site(site, bound.spec, known, self._resources(bound))
        self.unit.uses.append(name)
        return name

    def _resources(self, bound: BoundStep) -> Resources:
        """The arguments that are resources by name, or lists of such."""
        given = dict(bound.args)
        if bound.unnamed is not None and bound.spec.unnamed is not None:
            given[bound.spec.unnamed.name] = bound.unnamed
        found: Resources = {}
        for name, value in given.items():
            items = value.items if isinstance(value, tree.ListOf) else (value,)
            symbols = [self.checked.symbols.get(item) for item in items]
            if symbols and all(symbol is not None and symbol.kind == "resource" for symbol in symbols):
                names = [self.pool.resource(symbol.ref) for symbol in symbols if symbol is not None]
                found[name] = names if isinstance(value, tree.ListOf) else names[0]
        return found

    def _arguments(
        self, bound: BoundStep, site: str, runs: ast.expr | None
    ) -> tuple[list[ast.expr], dict[str, ast.expr]]:
        args: list[ast.expr] = [nodes.load("x")]
        if runs is not None:
            args.append(runs)
        if bound.unnamed is not None and bound.spec.unnamed is not None:
            args.append(self._argument(bound.spec, bound.spec.unnamed, bound.unnamed))
        params = {param.name: param for param in bound.spec.params}
        named = {name: self._argument(bound.spec, params[name], value) for name, value in bound.args.items()}
        if bound.spec.site is not None:
            named[bound.spec.site] = nodes.load(site)
        return args, named

    def _argument(self, spec: StepSpec, param: ParamSpec, value: tree.Expr) -> ast.expr:
        """An argument; one that comes with the request is held to the least that it may be (no duration is negative)."""
        made = self.expressions.text(value, "path") if param.path else self.expressions.lower(value)
        low, _, _ = bounds_of(t.strip(param.type))
        own = t.strip(self.checked.types.get(value, t.NEVER))
        surely = isinstance(own, t.Bounded) and own.low is not None and low is not None and own.low >= low
        if low is None or value in self.checked.constants or surely:
            return made
        what = f"`{param.name}` of `{spec.name}`"
        return nodes.call("at_least", made, nodes.constant(low), nodes.constant(what))

    def _careful(self, step: tree.Step, site: str, called: ast.expr, name: str | None) -> list[ast.stmt]:
        """A shadowed or optional step: what it raises is noted and goes no further."""
        value = name or "value"
        key = nodes.attribute(nodes.load(site), "key")
        x = nodes.load("x")
        run = nodes.assign(value, called)
        if step.optional:
            note = nodes.expression(nodes.call("missed", x, key, nodes.load("error")))
            clause = ast.ExceptHandler(
                nodes.load("Exception"), "error", [note, nodes.assign(value, nodes.constant(None))]
            )
            return [ast.Try([run], [clause], [], [])]
        failed: list[ast.stmt] = [
            nodes.assign("shadowed", nodes.load("error")),
            nodes.assign(value, nodes.constant(None)),
        ]
        done = nodes.expression(nodes.call("end_shadow", x, nodes.load("kept"), key, nodes.load("shadowed")))
        return [
            nodes.assign("kept", nodes.call("start_shadow", x)),
            nodes.assign("shadowed", nodes.constant(None)),
            ast.Try([run], [ast.ExceptHandler(nodes.load("Exception"), "error", failed)], [], [done]),
        ]

    # --- blocks ----------------------------------------------------------------------------------------------------------

    def _runs(self, step: tree.Step, bound: BoundStep) -> tuple[list[ast.stmt], ast.expr | None]:
        """The closures for a block's body or arms, and the value that the block's step is given for them."""
        if step.block is None:
            return [], None
        self.unit.within.append(Around(step.name, frozenset(argument.name for argument in step.named)))
        try:
            return self._bodies(step, step.block, bound)
        finally:
            self.unit.within.pop()

    def _bodies(self, step: tree.Step, block: tree.Block, bound: BoundStep) -> tuple[list[ast.stmt], ast.expr]:
        assert bound.spec.block is not None
        if bound.spec.block.shape == "body":
            name, closure = self.closure(step.name, block)
            return [closure], nodes.load(name)
        made: list[ast.stmt] = []
        arms: list[ast.expr] = []
        for line in block.statements:
            inner = line.block if isinstance(line, tree.Arm) else tree.Block(line.span, (line,))
            name, closure = self.closure(step.name, inner)
            made.append(closure)
            share = line.share if isinstance(line, tree.Arm) else None
            label = share.raw if share is not None else _label(line)
            share_value = nodes.constant(float(str(share.value)) if share is not None else None)
            arms.append(nodes.call(nodes.load("ArmRun"), nodes.load(name), share_value, nodes.constant(label)))
        return made, ast.Tuple(arms, ast.Load())

    def closure(self, owner: str, block: tree.Block) -> tuple[str, ast.stmt]:
        """A body as an `async def` inside this function: it sees the names above it.

        It runs on the exchange that is given to it, and on the one it stands in if none is (`hedge` gives each arm its
        own view).
        """
        inner = Lines(self.checked, self.pool, self.unit)
        name = self.pool.fresh(f"{owner.replace('.', '_')}_")
        made = nodes.function(name, ["x"], inner.body(block, hands_out=True), waits=True, defaults=[nodes.load("x")])
        return name, nodes.place(made, block.span)

    def _parallel(self, block: tree.Block) -> list[ast.stmt]:
        self.waits = True
        made: list[ast.stmt] = []
        runs: list[ast.expr] = []
        targets: list[ast.expr] = []
        for line in block.statements:
            name, closure = self.closure("parallel", tree.Block(line.span, (line,)))
            made.append(closure)
            runs.append(nodes.load(name))
            bound = line.bind if isinstance(line, tree.Step) else None
            targets.append(nodes.store(f"v_{bound.name}" if bound is not None else "_"))
        value = ast.Await(nodes.call("parallel", *runs))
        return [*made, ast.Assign([ast.Tuple(targets, ast.Store())], value)]

    # --- fragments -------------------------------------------------------------------------------------------------------

    def _use(self, use: tree.Use, *, hand_out: bool) -> list[ast.stmt]:
        bound = self.checked.uses[use]
        name, waits = lower_fragment(self.checked, self.pool, self.unit, bound.fragment)
        args: list[ast.expr] = [nodes.load("x")]
        for param in bound.fragment.params:
            given = bound.args.get(param.name, param.default)
            assert given is not None
            args.append(self.expressions.lower(given))
        called: ast.expr = nodes.call(name, *args)
        if waits:
            self.waits = True
            called = ast.Await(called)
        if hand_out and use.bind is None:
            return [nodes.returns(called)]
        result = nodes.assign(f"v_{use.bind.name}", called) if use.bind is not None else nodes.expression(called)
        if hand_out and use.bind is not None:
            return [result, nodes.returns(nodes.load(f"v_{use.bind.name}"))]
        ended = any_ends(self.checked, bound.fragment.body.statements)
        asks = [nodes.branch(nodes.attribute(nodes.load("x"), "ended"), [nodes.returns()])] if ended else []
        return [result, *asks]


def lower_fragment(checked: Checked, pool: Pool, unit: Unit, fragment: tree.Fragment) -> tuple[str, bool]:
    """A fragment as a function of its own, for one use: sites in it count as lines of the route."""
    lines = Lines(checked, pool, unit)
    name = pool.fresh(f"fragment_{fragment.name}_")
    body = lines.body(fragment.body, hands_out=True)
    params = ["x", *(f"v_{param.name}" for param in fragment.params)]
    made = nodes.place(nodes.function(name, params, body, waits=lines.waits), fragment.span)
    unit.functions.append((fragment.span.file, made))
    return name, lines.waits


def _label(line: tree.Stmt) -> str:
    if isinstance(line, tree.Step):
        shown = [arg.name for arg in line.args if isinstance(arg, tree.Name)]
        return " ".join([line.name, *shown])
    return "arm"
