"""The lines of routes and fragments, one by one: their names, their types, and what their blocks hand out.

The value of a block is that of its last line, or of `give`. Which paths exist is not asked here (see `flow`).
"""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.bodies import ends, gives_of, last_line
from headgate.language.check.calls import bind_step, bind_use, named_arguments
from headgate.language.check.expressions import Expressions
from headgate.language.check.fitting import Surroundings
from headgate.language.check.modules import Module
from headgate.language.check.names import bind, bind_name
from headgate.language.check.places import place_of, within
from headgate.language.check.reach import changed_by, changed_places, decides
from headgate.language.check.responses import REDIRECT, RESPOND
from headgate.language.check.result import BoundStep, Checked
from headgate.language.check.returning import returns_of
from headgate.language.check.roots import ERR_FIELDS, SETTABLE
from headgate.language.check.scope import Scope, Symbol
from headgate.language.check.typenames import TypeNames
from headgate.language.check.walk import blocks_of, lines_below
from headgate.language.source import Span
from headgate.language.suggest import suggest

HIGHEST = 60  # blocks in blocks; what checks and compiles them calls itself as often


def fragment_value(
    checked: Checked, module: Module, fragment: tree.Fragment, use: tree.Use | None = None
) -> t.Type | None:
    """Check a fragment, once, and give the type of its value. `use` is the line that asks for it."""
    if fragment in checked.values:
        return checked.values[fragment]
    if fragment in checked.open_fragments:
        circle = [*checked.open_fragments[checked.open_fragments.index(fragment) :], fragment]
        checked.report(
            "E604", f"the fragment `{fragment.name}` uses itself", use.fragment_span if use else fragment.span,
            note=" -> ".join(one.name for one in circle), help="every policy ends: there is no recursion",
        )  # fmt: skip
        return t.NEVER
    checked.open_fragments.append(fragment)
    scope = checked.exports[module.name].child()
    for param in fragment.params:
        kind = checked.params[fragment][param.name]
        if param.name not in scope.names:
            bind(checked, scope, param.name, param.span, Symbol("local", param.name, kind, param, param.span))
    value = Lines(checked, Surroundings(module)).block(fragment.body, scope)
    checked.open_fragments.remove(fragment)
    checked.values[fragment] = value
    return value


class Lines:
    """Checks the lines of one body."""

    def __init__(self, checked: Checked, around: Surroundings) -> None:
        self.checked = checked
        self.around = around
        self.expressions = Expressions(checked, around)

    def block(self, block: tree.Block, scope: Scope, *, closes: bool = True) -> t.Type | None:
        """Check the lines; the type of the block's value, or None where it has none.

        `closes`: it is a body, at whose end handlers may stand. A handler runs when only some of the lines did, so
        it knows of the places what held before the first, if no line changes them.
        """
        if self.checked.depth >= HIGHEST:
            self._too_high(block)
            return t.NEVER
        self.checked.depth += 1
        value = self._block(block, scope, closes=closes)
        self.checked.depth -= 1
        height = 1 + max((self._height(line) for line in block.statements), default=0)
        if height > HIGHEST and not self.checked.overgrown:
            self._too_high(block)
        self.checked.heights[block] = height
        self.checked.values[block] = value
        return value

    def _height(self, line: tree.Stmt) -> int:
        """How many blocks stand in each other below a line, those of fragments included."""
        if isinstance(line, tree.Use) and line in self.checked.uses:
            return self.checked.heights.get(self.checked.uses[line].fragment.body, 0)
        return max((self.checked.heights.get(block, 0) for block in blocks_of(line)), default=0)

    def _too_high(self, block: tree.Block) -> None:
        if not self.checked.overgrown:
            self.checked.report(
                "E605", f"blocks stand in each other more than {HIGHEST} deep, those of fragments included",
                block.span._replace(end_line=block.span.line, end_column=block.span.column + 1),
                help="fragments use each other in a long chain; put what they do into fewer",
            )  # fmt: skip
        self.checked.overgrown = True

    def _block(self, block: tree.Block, scope: Scope, *, closes: bool) -> t.Type | None:
        tail: t.Type | None = None
        held = scope.narrowed
        self._order(block, closes=closes)
        for line in block.statements:
            if isinstance(line, (tree.On, tree.Finally)):
                self.line(line, Scope(scope, self._unchanged(held, block)))
                continue
            if isinstance(line, tree.Arm) and not self.checked.is_damaged(line):
                self._stray(line)
            tail = self.line(line, scope)
        return self._value(block, tail if isinstance(last_line(block), (tree.Step, tree.Use)) else None)

    def _unchanged(self, held: frozenset[str], block: tree.Block) -> frozenset[str]:
        changed = changed_places(self.checked, block) if held else frozenset()
        return frozenset(place for place in held if not any(within(place, other) for other in changed))

    def _stray(self, arm: tree.Arm) -> None:
        self.checked.report(
            "E010", "no step opens this block", arm.span,
            help="alternatives stand in `fallback { … }`, `split { … }` and their like; other lines need no braces",
        )  # fmt: skip

    def _value(self, block: tree.Block, tail: t.Type | None) -> t.Type | None:
        """What a block hands out: what its `give`s give, and where its end can be reached, what its last line does."""
        gives = [found for line in block.statements for found in gives_of(line)]
        if not gives:
            return tail
        kinds = [(self.checked.types.get(give.value, t.NEVER), give.span) for give in gives]
        last = last_line(block)
        if last is not None and not ends(block):
            kinds.append((tail if tail is not None else t.NONE, last.span))
        value, first = kinds[0]
        for kind, span in kinds[1:]:
            both = t.unify(value, kind)
            if both is None:
                self.checked.report(
                    "E101", f"this block gives {value} on one path and {kind} on another", span, f"this is {kind}",
                    related=((first, f"this is {value}"),),
                )  # fmt: skip
                return t.NEVER
            value = both
        return value

    def _order(self, block: tree.Block, *, closes: bool) -> None:
        closing = False
        for line in block.statements:
            if isinstance(line, (tree.On, tree.Finally)):
                closing = closes
                if not closes:
                    self.checked.report(
                        "E011", "`on` and `finally` stand at the end of a route, a fragment, or a step's block", line.span,
                        help="move it there; what `if`, `match` and handlers hold has no handlers of its own",
                    )  # fmt: skip
            elif closing:
                self.checked.report(
                    "E011",
                    "`on` and `finally` stand at the end; no line follows them",
                    line.span,
                    help="move this line up",
                )

    def line(self, line: tree.Stmt, scope: Scope) -> t.Type | None:
        match line:
            case tree.Step():
                return self._step(line, scope)
            case tree.Use():
                return self._use(line, scope)
            case tree.Let(bind=bind, value=value):
                bind_name(self.checked, scope, bind, self.expressions.infer(value, scope), line)
            case tree.Set() | tree.Remove():
                self._change(line, scope)
            case tree.If():
                self._if(line, scope)
            case tree.Match():
                self._match(line, scope)
            case tree.Require():
                self._require(line, scope)
            case tree.Respond() | tree.Redirect():
                self._end(line, scope)
            case tree.Give(value=value):
                return self.expressions.infer(value, scope)
            case tree.Parallel(block=block):
                self._parallel(block, scope)
            case tree.On():
                self._on(line, scope)
            case tree.Finally(block=block):
                self._finally(block, scope)
            case tree.Arm(block=block):
                return self.block(block, scope.child())
        return None

    def _step(self, step: tree.Step, scope: Scope) -> t.Type | None:
        bound = bind_step(self.checked, self.expressions, step, scope)
        value = self._body(step, bound, scope)
        if (step.shadow or step.optional) and value is not None:
            value = t.Optional(t.strip(value))
        scope.forget(*changed_by(self.checked, step))
        if step.bind is not None:
            if value is None and bound is not None:
                help = f"leave out `as {step.bind.name}`"
                self.checked.report("E013", f"`{step.name}` gives no value to bind", step.bind.span, help=help)
            bind_name(self.checked, scope, step.bind, value if value is not None else t.NEVER, bound)
        return value

    def _body(self, step: tree.Step, bound: BoundStep | None, scope: Scope) -> t.Type | None:
        returns = returns_of(self.checked, bound) if bound is not None else t.NEVER
        if step.block is None:
            return returns
        shape = bound.spec.block if bound is not None else None
        arms = any(isinstance(line, tree.Arm) for line in step.block.statements)
        if shape.shape != "body" if shape is not None else arms:
            inner = self._arms(step.block, scope)
        else:
            if shape is not None and shape.runs == "many":  # what its end changed, its beginning finds
                scope.forget(*changed_places(self.checked, step.block))
            inner = self.block(step.block, scope.child())
        value = inner if returns in (None, t.ANY, t.NEVER) else returns
        if value is not None and shape is not None and shape.runs == "maybe" and not shape.keeps_facts:
            return t.Optional(t.strip(value))
        return value

    def _arms(self, block: tree.Block, scope: Scope) -> t.Type | None:
        """Alternatives: each a line or an arm of its own; the value is what all of them give."""
        kinds = [self.line(line, scope.child()) for line in block.statements]
        value = kinds[0] if kinds else None
        for kind in kinds[1:]:
            value = t.unify(value, kind) if value is not None and kind is not None else None
        self.checked.values[block] = value
        return value

    def _use(self, use: tree.Use, scope: Scope) -> t.Type | None:
        bound = bind_use(self.checked, self.expressions, use, scope)
        value = t.NEVER if bound is None else fragment_value(self.checked, bound.module, bound.fragment, use)
        if bound is not None:
            scope.forget(*changed_places(self.checked, bound.fragment.body))
        if use.bind is not None:
            if value is None and bound is not None and not self.checked.is_damaged(bound.fragment):
                help = "a fragment hands a value out with `give …` as its last line"
                self.checked.report("E013", f"`{use.fragment}` gives no value to bind", use.bind.span, help=help)
            bind_name(self.checked, scope, use.bind, value or t.NEVER, bound)
        return value

    def _change(self, line: tree.Set | tree.Remove, scope: Scope) -> None:
        place = line.place
        base = place.base if isinstance(place, tree.Index) else place
        text = place_of(base)
        kind: t.Type
        present = False
        if text in SETTABLE:
            kind = t.STATUS if text == "response.status" else t.TEXT
            self.expressions.settle(place, scope)
            whole = base is place and text.endswith(("header", "query"))
            if whole or (isinstance(line, tree.Remove) and base is place):
                help = f'one of them can: `{text}["x-name"]`' if whole else "give it another value with `set`"
                what = f"`{text}` cannot be {_verb(line)}" + (" as a whole" if whole else "")
                self.checked.report("E014", what, place.span, help=help)
                kind = t.NEVER
            elif isinstance(place, tree.Index) and place.key not in self.checked.constants:
                self.checked.report(
                    "E106", "the name of a header or parameter must be known when the policy loads", place.key.span
                )
        else:
            kind = self._field(line, scope)
        if isinstance(line, tree.Set):
            absent = isinstance(place, tree.Index) or isinstance(kind, t.Optional)
            given = self.expressions.want(
                line.value, scope, t.Optional(t.strip(kind)) if absent else kind, f"`{place_of(place) or 'the place'}`"
            )
            if text == "response.status":
                self._answers_with(line.value)
            elif text == "request.path":
                self.expressions.written_here(line.value)
            present = not isinstance(given, (t.Optional, t.Never)) and given != t.NONE
        named = self.expressions.place(place)
        if named is not None:
            scope.forget(named)
            scope.learn(frozenset([named] if present else []))

    def _field(self, line: tree.Set | tree.Remove, scope: Scope) -> t.Type:
        """A field of a body that a line has read: `chat.model`."""
        place = line.place
        before = self.checked.mistakes
        kind = self.expressions.infer(place, scope)
        if self.checked.mistakes > before:
            return t.NEVER
        if isinstance(place, tree.Attr):
            symbol = self.checked.symbols.get(place.base)
            reader = symbol.ref if symbol is not None else None
            if isinstance(reader, BoundStep) and "body" in reader.spec.gives:
                if isinstance(line, tree.Remove) and not isinstance(kind, t.Optional):
                    what = f"`{place_of(place)}` is never absent, so it cannot be removed"
                    self.checked.report("E014", what, place.span, help="give it another value with `set`")
                return kind
        self.checked.report(
            "E014", f"`{place_of(place) or 'this'}` cannot be {_verb(line)}", place.span,
            help=f"write `{place_of(place)}`" if self._is_entry(place) else"what can: request.header[…], request.query[…], request.path, request.host, response.header[…], "
            "response.status, and fields of a body that a line has read",
        )  # fmt: skip
        return t.NEVER

    def _is_entry(self, place: tree.Expr) -> bool:
        """`request.query.x`: an entry, written as if it were a field."""
        return isinstance(place, tree.Attr) and place_of(place.base) in SETTABLE

    def _if(self, line: tree.If, scope: Scope) -> None:
        known: frozenset[str] = frozenset()
        behind: list[frozenset[str]] = []
        for condition, block in line.branches:
            self.expressions.condition(condition, scope.child(known))
            behind += self._branch(block, scope, known | self.expressions.present_places(condition, True))
            known |= self.expressions.present_places(condition, False)
        if line.otherwise is not None:
            behind += self._branch(line.otherwise, scope, known)
        else:
            behind.append(scope.narrowed | known)
        self._joined(scope, behind)

    def _branch(self, block: tree.Block, scope: Scope, known: frozenset[str]) -> list[frozenset[str]]:
        """Check one branch; what is present at its end, or nothing where it ends the path."""
        inner = scope.child(known)
        self.block(block, inner, closes=False)
        own = tuple(inner.names)
        kept = frozenset(place for place in inner.narrowed if not any(within(place, name) for name in own))
        return [] if ends(block) else [kept]

    def _joined(self, scope: Scope, behind: list[frozenset[str]]) -> None:
        """What is present on every path that goes on."""
        if behind:
            scope.narrowed = frozenset.intersection(*behind)

    def _match(self, line: tree.Match, scope: Scope) -> None:
        subject = t.strip(self.expressions.infer(line.subject, scope))
        if t.holds_secret(subject):
            self.expressions.secret(line.subject)
            subject = t.NEVER
        place = self.expressions.place(line.subject)
        behind: list[frozenset[str]] = []
        seen: dict[object, Span] = {}
        for case in line.cases:
            for value in case.values:
                self._case(value, subject, scope, seen)
            behind += self._branch(case.block, scope, frozenset([place] if place else []))
        if line.otherwise is not None:
            behind += self._branch(line.otherwise, scope, frozenset())
        else:
            behind.append(scope.narrowed)
        self._joined(scope, behind)

    def _case(self, value: tree.Expr, subject: t.Type, scope: Scope, seen: dict[object, Span]) -> None:
        kind = self.expressions.case(value, subject, scope)
        if isinstance(kind, t.Never):
            return
        if value not in self.checked.constants:
            self.checked.report("E106", "a case must be known when the policy loads", value.span)
            return
        known = self.checked.constants[value]
        if isinstance(known, (str, int, float)) and (type(known), known) in seen:
            self.checked.report(
                "E007", "this case stands twice", value.span, "the lines above answer for it",
                related=((seen[type(known), known], "first here"),),
            )  # fmt: skip
        elif isinstance(known, (str, int, float)):
            seen[type(known), known] = value.span

    def _require(self, line: tree.Require, scope: Scope) -> None:
        self.expressions.condition(line.condition, scope)
        status = line.status.value
        if not isinstance(status, int) or not 400 <= status <= 599:
            self.checked.report("E102", "a refusal has a status from 400 to 599", line.status.span)
        self.expressions.want(line.why, scope, t.TEXT, "the reason")
        scope.learn(self.expressions.present_places(line.condition, True))

    def _end(self, line: tree.Respond | tree.Redirect, scope: Scope) -> None:
        params = RESPOND if isinstance(line, tree.Respond) else REDIRECT
        name = "respond" if isinstance(line, tree.Respond) else "redirect"
        if isinstance(line, tree.Respond):
            before = self.checked.mistakes
            self.expressions.want(line.status, scope, t.STATUS, "the status")
            if self.checked.mistakes == before:
                self._answers_with(line.status)
        else:
            self.expressions.want(line.location, scope, t.TEXT, "the location")
            self.expressions.written_here(line.location)
        named_arguments(self.checked, self.expressions, name, params, line.named, scope, line.span)
        bodies = [arg for arg in line.named if arg.name in ("json", "text", "body", "error")]
        if len(bodies) > 1:
            self.checked.report(
                "E007",
                f"an answer has one body, not `{bodies[0].name}` and `{bodies[1].name}`",
                bodies[1].span,
                related=((bodies[0].span, "the other one"),),
            )

    def _answers_with(self, status: tree.Expr) -> None:
        """The status of an answer: 1xx are none."""
        value = self.checked.constants.get(status, 200)
        if isinstance(value, int) and 100 <= value < 200:
            self.checked.report("E102", "an answer has a status from 200 to 599", status.span)

    def _parallel(self, block: tree.Block, scope: Scope) -> None:
        """Lines that run at once: none of them sees a name of another."""
        bound: dict[str, Symbol] = {}
        for line in block.statements:
            inner = scope.child()
            before = self.checked.mistakes
            self.line(line, inner)
            if self.checked.mistakes == before:
                self._at_once(line)
            for name, symbol in inner.names.items():
                if name in bound:
                    related = ((bound[name].span or line.span, "it was bound here"),)
                    span = symbol.span or line.span
                    self.checked.report("E006", f"`{name}` has a meaning already", span, related=related)
                bound.setdefault(name, symbol)
        scope.names.update(bound)

    def _at_once(self, line: tree.Stmt) -> None:
        does = decides(self.checked, line)
        if not isinstance(line, tree.Step):
            self.checked.report("E015", "`parallel` holds steps, each of which binds a value", line.span)
        elif does:
            self.checked.report("E015", f"{does}, which has its place in the order of the lines", line.span)
        elif line.bind is None and line.name in self.checked.vocabulary.steps:
            gives = self.checked.values.get(line.block) if line.block is not None else None
            gives = gives or self.checked.vocabulary.steps[line.name].returns
            help = (
                f"write `{line.name} … as x`"
                if gives is not None
                else "it gives none: put it above or below `parallel`"
            )
            self.checked.report("E015", "each line of `parallel` binds a value", line.span, help=help)

    def _on(self, line: tree.On, scope: Scope) -> None:
        kinds = self.checked.vocabulary.kinds
        matched = []
        for pattern in line.patterns:
            found = [
                kind for name, kind in kinds.items()
                if name == pattern.kind or (pattern.wild and name.startswith(f"{pattern.kind}."))
            ]  # fmt: skip
            if not found:
                guess = suggest(pattern.kind, list(kinds))
                help = f"did you mean `{guess}`?" if guess else "`headgate steps` lists what each step raises"
                self.checked.report("E016", f"nothing raises `{pattern.kind}`", pattern.span, help=help)
            matched.extend(found)
        fields = [dict(kind.fields) for kind in matched]
        common = {
            name: kind
            for name, kind in (fields[0].items() if fields else ())
            if all(f.get(name) == kind for f in fields)
        }
        types = TypeNames(self.checked, Scope())
        record = t.Record(
            "err", (*ERR_FIELDS, *((name, types.resolve(_written(kind))) for name, kind in common.items()))
        )
        around = Surroundings(self.around.module, self.around.params, self.around.closing, record)
        Lines(self.checked, around).block(line.block, scope.child(), closes=False)

    def _finally(self, block: tree.Block, scope: Scope) -> None:
        inner = Scope(scope, frozenset())
        for name in set(scope.all_names()):
            symbol = scope.find(name)
            if symbol is None or symbol.kind != "local" or isinstance(symbol.ref, tree.Param):
                continue  # a parameter is bound before the first line
            if not isinstance(symbol.type, (t.Optional, t.Never)):
                inner.names[name] = Symbol("local", name, t.Optional(symbol.type), symbol.ref, symbol.span)
        around = Surroundings(self.around.module, self.around.params, closing=True)
        Lines(self.checked, around).block(block, Scope(inner), closes=False)
        for line in lines_below(block):
            spec = self.checked.vocabulary.steps.get(line.name) if isinstance(line, tree.Step) else None
            if isinstance(line, (tree.On, tree.Finally, tree.Arm)):
                continue  # refused where they are
            if not isinstance(line, (tree.Step, tree.Let, tree.If, tree.Match)) or (
                spec is not None and not spec.observes
            ):
                steps = self.checked.vocabulary.steps.items()
                help = f"what may stand there: {', '.join(sorted(n for n, s in steps if s.observes))}, `let`, `if`, `match`"
                self.checked.report("E205", "`finally` only observes: the answer is gone", line.span, help=help)


def _verb(line: tree.Set | tree.Remove) -> str:
    return "set" if isinstance(line, tree.Set) else "removed"


def _written(kind: str) -> tree.TypeExpr:
    """A field type of a failure kind, which plugins write as the language does."""
    optional = kind.endswith("?")
    return tree.TypeExpr(Span("", 0, 0, 0, 0), name=kind.rstrip("?"), optional=optional)
