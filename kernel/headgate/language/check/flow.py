"""Follows every path of every route, forward, once: a graph without loops needs no solver.

1. Facts are intersected where paths join; a body that may not run gives none, unless its block keeps them.
2. Every path meets exactly one hinge or one end. A line behind an end is unreachable.
3. Whatever has the effect `upstream` needs `auth`, unless the route is `public`.
4. A handler may use what holds before every line that can raise its kind; the line that spoils it is named.
5. A fragment is followed anew at each use. What is wrong in it is reported once, with a use that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from headgate.language import tree
from headgate.language.check.modules import Module
from headgate.language.check.places import place_of
from headgate.language.check.reach import marks, marks_of
from headgate.language.check.result import Checked
from headgate.language.check.roots import VALUES, Root
from headgate.language.check.rules import Rule, rules_of
from headgate.language.check.state import Raised, State, join, meet
from headgate.language.check.walk import bound_by, expressions_of, lines_below, names_in
from headgate.language.source import Span
from headgate.language.vocabulary import AFTER_RESPONSE, BEFORE_RESPONSE, StepSpec

SHOWN = 3  # of the `use` lines that lead to a finding in a fragment
MOST_LINES = 5_000  # of one route, those of its fragments counted at each use


def check_flow(checked: Checked) -> None:
    """Follow every route of every file. Findings go into `checked`; each stands once."""
    said: set[tuple[str, Span]] = set()
    if checked.overgrown:
        return
    for module in checked.modules.values():
        rules = rules_of(checked, module)
        for item in module.file.items:
            if isinstance(item, tree.Route) and not checked.is_damaged(item):
                _Paths(checked, module, item, [rule for rule in rules if not rule.excepts(item)], said).route()


@dataclass(slots=True)
class _Frame:
    """A body that may hand out a value: the states in which it does, and what can be raised in it."""

    gives: list[State] = field(default_factory=list)
    raised: list[Raised] = field(default_factory=list)


class _Paths:
    """The paths of one route."""

    def __init__(
        self, checked: Checked, module: Module, route: tree.Route, rules: Sequence[Rule], said: set[tuple[str, Span]]
    ) -> None:
        self.checked = checked
        self.module = module
        self.public = route.public
        self.rules = rules
        self.said = said
        self.the_route = route
        self.inside: list[str] = []
        self.uses: list[tree.Use] = []
        self.closing = False
        self.unknown = False
        self.followed = 0
        self.gap: tuple[Span, str] | None = None  # a branch that does not answer, beside one that does
        self.caught: list[Raised] = []  # inside a handler: the lines that lead to it
        self.at_once = False

    def route(self) -> None:
        frame = _Frame()
        end = self._body(self.the_route.body, State(), frame)
        if end is not None and end.answered != "yes":
            some = "" if end.answered == "no" else "on some path "
            self._say(
                "E202", f"{some}nothing answers in the route `{self.the_route.name}`", self.the_route.name_span,
                related=(self.gap,) if self.gap and some else (),
                note="every path through a route meets one hinge (`forward`, `ai.chat`) or one end (`respond`)",
                help="end the route with `forward …`, or with `respond …`",
            )  # fmt: skip

    def _say(self, code: str, message: str, span: Span, label: str = "", **more: object) -> None:
        about = str(more.pop("about", ""))
        if (code + about, span) in self.said or (self.unknown and code != "E204"):
            return  # What an unknown step gives or answers is not guessed; its own finding says enough.
        self.said.add((code + about, span))
        related = list(more.pop("related", ()))  # type: ignore[call-overload]
        if span.file != self.the_route.span.file or self.uses:
            related += [(use.span, f"used here, by the route `{self.the_route.name}`") for use in self.uses[-SHOWN:]]
        self.checked.report(code, message, span, label, related=tuple(related), **more)

    # --- bodies ------------------------------------------------------------------------------------------------------

    def _body(self, block: tree.Block, state: State | None, frame: _Frame) -> State | None:
        """A body with its handlers: where its lines lead, joined with where its handlers lead."""
        inner = _Frame()
        plain = [line for line in block.statements if not isinstance(line, (tree.On, tree.Finally))]
        end = self._lines(plain, state, inner)
        ends = [end, *inner.gives]
        raised, handled = list(inner.raised), list[tree.Pattern]()
        for handler in (line for line in block.statements if isinstance(line, tree.On)):
            end, whole = self._handler(handler, state or State(), raised, frame)
            ends.append(end)
            handled += handler.patterns if whole else ()
        frame.raised += [kind for kind in raised if not any(covers(pattern, kind.kind) for pattern in handled)]
        for closer in (line for line in block.statements if isinstance(line, tree.Finally)):
            self._finally(closer)
        return join(ends)

    def _lines(self, lines: Sequence[tree.Stmt], state: State | None, frame: _Frame) -> State | None:
        self.followed += len(lines)
        for line in lines:
            if state is None:
                self._say("E204", "no request reaches this line", line.span, "every path has ended above it")
                return None
            state = self._line(line, state, frame)
        return state

    def _handler(
        self, handler: tree.On, entry: State, raised: list[Raised], outer: _Frame
    ) -> tuple[State | None, bool]:
        """Where a handler leads: on, if it answers or gives; and whether it does so on every path.

        It begins with the answer that its body began with: what the body found before it failed is given up.
        """
        caught = [kind for kind in raised if any(covers(pattern, kind.kind) for pattern in handler.patterns)]
        before = join(kind.before for kind in caught) or entry
        self._bound_before(handler, caught, before)
        self._never_runs(handler, raised)
        facts = before.facts | {"response"} if entry.answered == "yes" else before.facts - {"response"}
        frame = _Frame()
        outside, self.caught = self.caught, caught
        end = self._lines(handler.block.statements, replace(before, answered=entry.answered, facts=facts), frame)
        self.caught = outside
        outer.raised += frame.raised
        answers = end is None or (end.answered == "yes" and entry.answered == "no")
        live = [end] if end is not None and end.answered != entry.answered else []
        return join([*live, *frame.gives]), answers

    def _never_runs(self, handler: tree.On, raised: list[Raised]) -> None:
        """Kinds that no line here raises. Those of the request itself may come from any line that reads it."""
        for pattern in handler.patterns:
            known = any(covers(pattern, kind) for kind in self.checked.vocabulary.kinds)
            if (
                known
                and not pattern.kind.startswith("request")
                and not any(covers(pattern, kind.kind) for kind in raised)
            ):
                shown = f"{pattern.kind}.*" if pattern.wild else pattern.kind
                self._say(
                    "W201", f"no line that this handler stands for raises `{shown}`", pattern.span, severity="warning",
                    note="a handler at the end of a block stands for the lines of that block",
                )  # fmt: skip

    def _bound_before(self, handler: tree.On, caught: list[Raised], before: State) -> None:
        own = {bind.name for line in lines_below(handler.block) if (bind := bound_by(line)) is not None}
        for name in names_in(handler.block):
            symbol = self.checked.symbols.get(name)
            if symbol is None or symbol.kind != "local" or name.name in before.names or name.name in own:
                continue
            spoiler = next((raised for raised in caught if name.name not in raised.before.names), None)
            if spoiler is not None:
                self._say(
                    "E207", f"`{name.name}` may not be bound yet when this handler runs", name.span,
                    related=((spoiler.span, f"this line can raise `{spoiler.kind}` before `{name.name}` is bound"),),
                    help="use only what holds before every line that can raise the kind, or handle it closer to the line",
                )  # fmt: skip

    def _finally(self, line: tree.Finally) -> None:
        self.closing = True
        everything = State(facts=frozenset({"auth", "response", "closed", "body"}))
        self._lines(line.block.statements, replace(everything, answered="yes"), _Frame())
        self.closing = False

    # --- lines -------------------------------------------------------------------------------------------------------

    def _line(self, line: tree.Stmt, state: State, frame: _Frame) -> State | None:
        self._roots(line, state)
        match line:
            case tree.Step():
                return self._step(line, state, frame)
            case tree.Use():
                return self._use(line, state, frame)
            case tree.Let(bind=bind):
                return state.with_name(bind.name)
            case tree.If(branches=branches, otherwise=otherwise):
                return self._branches(line, [block for _, block in branches], otherwise, state, frame)
            case tree.Match(cases=cases, otherwise=otherwise):
                return self._branches(line, [case.block for case in cases], otherwise, state, frame)
            case tree.Set(place=place):
                if place_of(place) != "response.status":  # a value that would end a line, a path that is none
                    frame.raised.append(Raised("request.invalid", state, line.span))
                return state
            case tree.Require():
                self._second_answer(state, line.span, "a `require` that fails answers")
                return state
            case tree.Respond() | tree.Redirect():
                if isinstance(line, tree.Redirect) or any(arg.name in ("headers", "type") for arg in line.named):
                    frame.raised.append(Raised("request.invalid", state, line.span))
                self._second_answer(state, line.span, "this answers")
                return None
            case tree.Give():
                frame.gives.append(state)
                return None
            case tree.Parallel(block=block):
                alone = [tree.Block(one.span, (one,)) for one in block.statements]
                before = state.having_run(marks(self.checked, block))
                outer, self.at_once = self.at_once, True
                ends = [self._lines(one.statements, before, frame) for one in alone]
                self.at_once = outer
                return meet(state, ends)
            case tree.Arm(block=block):
                return self._body(block, state, frame)
        return state

    def _branches(
        self, line: tree.Stmt, blocks: list[tree.Block], otherwise: tree.Block | None, state: State, frame: _Frame
    ) -> State | None:
        bodies = [*blocks, *([otherwise] if otherwise else [])]
        ends = [self._lines(block.statements, state, frame) for block in bodies]
        if otherwise is None:
            ends.append(state)
        unanswered = [place for place, end in enumerate(ends) if end is not None and end.answered == "no"]
        if unanswered and any(end is not None and end.answered != "no" for end in ends):
            self.gap = self._gap(line, bodies, unanswered[0])
        return _forget(join(ends), state)

    def _gap(self, line: tree.Stmt, bodies: list[tree.Block], place: int) -> tuple[Span, str]:
        """Where paths part, and the one of them that does not answer."""
        if place < len(bodies):
            body = bodies[place].span
            return body._replace(
                end_line=body.line, end_column=body.column + 1
            ), "what goes on from here is not answered"
        what = (
            "what none of these cases takes"
            if isinstance(line, tree.Match)
            else "what none of these conditions holds for"
        )
        head = line.span._replace(end_line=line.span.line, end_column=bodies[0].span.column)
        return head, f"{what} is not answered"

    def _second_answer(self, state: State, span: Span, what: str) -> None:
        if state.answered != "no" and not self.closing:
            again = "again" if state.answered == "yes" else "a second time on some path"
            self._say(
                "E203", f"{what} {again}", span,
                related=((state.answered_at, "this answers first"),) if state.answered_at else (),
                note="every path meets exactly one hinge or one end; below it, lines may still change the answer",
            )  # fmt: skip

    def _step(self, step: tree.Step, state: State, frame: _Frame) -> State | None:
        bound = self.checked.steps.get(step)
        if bound is None:
            self.unknown = True
            return self._body(step.block, state, frame) if step.block is not None else _bind(state, step)
        spec = bound.spec
        self._admitted(step, spec, state)
        if not step.shadow and not step.optional:
            frame.raised += [Raised(kind, state, step.name_span) for kind in self._kinds(spec)]
        end = self._block(step, spec, state, frame) if step.block is not None else state
        if end is None:
            return None
        if spec.hinge:
            self._second_answer(end, step.name_span, f"`{step.name}` answers")
            end = end.answer(step.name_span)
        if step.shadow:
            end = end.having_run(frozenset(f"shadow:{fact}" for fact in spec.gives))
        else:
            end = end.with_facts(*(() if step.optional and spec.observes else spec.gives)).passing(marks_of(spec))
        return _bind(end, step)

    def _kinds(self, spec: StepSpec) -> Iterator[str]:
        for kind in spec.raises:
            if kind.endswith(".*"):
                yield from (name for name in self.checked.vocabulary.kinds if name.startswith(kind[:-1]))
            else:
                yield kind

    def _admitted(self, step: tree.Step, spec: StepSpec, state: State) -> None:
        """What must hold before a step may run here."""
        shown = f"{step.name} {_shown(step)}".strip()
        if spec.effect == "upstream" and not self.public and "auth" not in state.facts and not self.closing:
            self._say(
                "E501", f"a request can reach `{shown}` without `auth`", step.name_span, "`auth` does not hold on every path to here",
                note=self._why_not_auth(state), related=self._spoiler("auth"),
                help="put an `auth.*` step above it, on every branch; "
                f"or say it out loud: `route {self.the_route.name} … public {{`",
            )  # fmt: skip
        for fact in spec.needs:
            if fact not in state.facts:
                self._say(
                    "E208",
                    f"`{step.name}` needs `{fact}`, which does not hold on every path to here",
                    step.name_span,
                    help=self._giver(fact),
                )
        if spec.phase == BEFORE_RESPONSE and not spec.hinge and state.answered != "no" and not self.closing:
            self._say(
                "E206",
                f"`{step.name}` comes too late: the answer is found already",
                step.name_span,
                related=((state.answered_at, "this answers"),) if state.answered_at else (),
                help="move it above the hinge",
            )
        if spec.phase == AFTER_RESPONSE and "response" not in state.facts:
            self._say(
                "E201", f"there is no `response` yet for `{step.name}`", step.name_span, help="move it below the hinge"
            )
        for rule in self.rules:
            self._ruled(rule, step, spec, state)

    def _why_not_auth(self, state: State) -> str:
        if "shadow:auth" in state.seen:
            return "a step under `shadow` authenticates nobody"
        at_once = self.at_once and "step:auth" in state.seen
        return "the lines of `parallel` run at once: none of them comes before another" if at_once else ""

    def _spoiler(self, fact: str) -> tuple[tuple[Span, str], ...]:
        """Inside a handler: the line that can lead to it before a fact holds."""
        for raised in self.caught:
            if fact not in raised.before.facts and fact != "response":
                return ((raised.span, f"this line can raise `{raised.kind}` before `{fact}` holds"),)
        return ()

    def _giver(self, fact: str) -> str:
        givers = sorted(spec.name for spec in self.checked.vocabulary.steps.values() if fact in spec.gives)
        return f"`{fact}` is given by: {', '.join(givers)}" if givers else "no installed step gives it"

    def _ruled(self, rule: Rule, step: tree.Step, spec: StepSpec, state: State) -> None:
        if rule.says_e501 and ("E501", step.name_span) in self.said:
            return
        broken = rule.broken_at(spec, state, self.inside)
        if broken:
            self._say(
                "E502", f"`{step.name}` breaks the house rule `{rule.text}`", step.name_span, broken, about=rule.text,
                related=((rule.node.span, "the rule"),),
            )  # fmt: skip

    def _block(self, step: tree.Step, spec: StepSpec, state: State, frame: _Frame) -> State | None:
        assert step.block is not None
        shape = spec.block
        self.inside.append(step.name)
        if shape is None or shape.shape == "body":
            again = shape is not None and shape.runs == "many"
            begin = state.having_run(marks(self.checked, step.block)) if again else state
            end = self._body(step.block, begin, frame)
        else:
            end = self._arms(step.block, state, frame)
        self.inside.pop()
        end = _forget(end, state)
        if shape is not None and shape.runs == "maybe":
            return end if shape.keeps_facts else join([end, state])
        return end

    def _arms(self, block: tree.Block, state: State, frame: _Frame) -> State | None:
        """Alternatives. One may be tried after those above it have failed."""
        ends = []
        for line in block.statements:
            if isinstance(line, (tree.On, tree.Finally)):
                continue
            arm = tree.Block(line.span, line.block.statements if isinstance(line, tree.Arm) else (line,))
            ends.append(self._body(arm, state, frame))
            state = state.having_run(marks(self.checked, arm))
        return join(ends)

    def _use(self, use: tree.Use, state: State, frame: _Frame) -> State | None:
        bound = self.checked.uses.get(use)
        if (
            bound is None
            or self.checked.is_damaged(bound.fragment)
            or bound.fragment in [self.checked.uses[outer].fragment for outer in self.uses]
        ):
            self.unknown = True
            return state if use.bind is None else state.with_name(use.bind.name)
        if self.followed > MOST_LINES:
            self._say(
                "E605", f"the route `{self.the_route.name}` has more than {MOST_LINES} lines once its fragments are in place",
                use.fragment_span, help="fragments that use each other several times multiply; use each once",
            )  # fmt: skip
            self.unknown = True
            return state
        self.uses.append(use)
        outer_names = state.names
        params = frozenset(param.name for param in bound.fragment.params)
        end = self._body(bound.fragment.body, replace(state, names=params), frame)
        self.uses.pop()
        if end is None:
            return None
        end = replace(end, names=outer_names)
        return end if use.bind is None else end.with_name(use.bind.name)

    # --- roots -------------------------------------------------------------------------------------------------------

    def _roots(self, line: tree.Stmt, state: State) -> None:
        """Names that hold only after some line: `caller`, `response`, `usage`."""
        if (isinstance(line, tree.Step) and line not in self.checked.steps) or (
            isinstance(line, tree.Use) and line not in self.checked.uses
        ):
            return
        for expr in expressions_of(line):
            for name in names_in(expr):
                symbol = self.checked.symbols.get(name)
                if symbol is None or symbol.kind != "root" or name.name == "err":
                    continue
                needs, hint = _needs(symbol.ref, name.name)
                if needs is not None and needs not in state.facts and not self._settable(name, state):
                    message = f"there is no `{name.name}` yet at this point"
                    self._say("E201", message, name.span, help=hint, related=self._spoiler(needs))

    def _settable(self, name: tree.Name, state: State) -> bool:
        return self.closing and name.name in ("caller", "response", "served")


def _needs(ref: object, name: str) -> tuple[str | None, str]:
    if isinstance(ref, Root):
        return ref.needs, ref.hint
    if name in VALUES:
        return VALUES[name][1], f"`{name}` is known in `finally`"
    return None, ""


def covers(pattern: tree.Pattern, kind: str) -> bool:
    """Whether an `on` with this pattern catches the kind."""
    return kind == pattern.kind or (pattern.wild and kind.startswith(f"{pattern.kind}."))


def _bind(state: State, step: tree.Step) -> State:
    return state if step.bind is None else state.with_name(step.bind.name)


def _forget(end: State | None, before: State) -> State | None:
    """Behind a block, the names that it bound are gone."""
    return None if end is None else replace(end, names=before.names)


def _shown(step: tree.Step) -> str:
    first = step.args[0] if step.args else None
    if isinstance(first, tree.Attr) and isinstance(first.base, tree.Name):
        return f"{first.base.name}.{first.name}"
    return first.name if isinstance(first, tree.Name) else ""
