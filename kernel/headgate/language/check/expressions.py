"""Types for expressions.

1. Every expression gets a type, once; a mistake gives `Never`, which fits everywhere, so one mistake is one finding.
2. Where a type is expected it comes along (`expected`): a bare word then stands for itself, an object is checked
   field by field, a literal against its bounds.
3. A value that may be absent is only passed on, compared by `==`, or tested (SEMANTICS, rule 5). What a test has shown
   to be present is in `scope.narrowed`, by the text of its place.
"""

from __future__ import annotations

from typing import Any

from headgate.contracts.values import StatusClass
from headgate.language import tree
from headgate.language import types as t
from headgate.language.check import operators
from headgate.language.check.calling import OBSERVING, Calling
from headgate.language.check.fitting import Surroundings
from headgate.language.check.fold import UNFOLDED, Folder
from headgate.language.check.result import Checked
from headgate.language.check.scope import Scope
from headgate.language.check.wording import a_type, both_types, unit_help
from headgate.language.parse.literals import PERIODS
from headgate.language.suggest import suggest


class Expressions(Calling):
    """Types the expressions of one file, into the tables of `checked`."""

    def __init__(self, checked: Checked, around: Surroundings) -> None:
        super().__init__(checked, around)
        self.folder = Folder(checked, OBSERVING)

    def infer(self, expr: tree.Expr, scope: Scope, expected: t.Type | None = None) -> t.Type:
        """The type of an expression, recorded. Findings are reported; the result is `Never` after one."""
        kind = self._infer(expr, scope, expected)
        if isinstance(kind, t.Optional) and scope.narrowed and self.place(expr) in scope.narrowed:
            kind = kind.inner
        self.checked.types[expr] = kind
        value = self.folder.fold(expr)
        if value is not UNFOLDED:
            self.checked.constants[expr] = value
        return kind

    def _infer(self, expr: tree.Expr, scope: Scope, expected: t.Type | None) -> t.Type:
        match expr:
            case tree.Literal():
                return LITERALS[expr.kind]
            case tree.Grouped(inner=inner):
                return self.infer(inner, scope, expected)
            case tree.Interpolation():
                return self._interpolation(expr, scope)
            case tree.Name():
                return self._whole(expr, self._name(expr, scope))
            case tree.Attr():
                return self._whole(expr, self._attr(expr, scope))
            case tree.Index():
                return self._index(expr, scope)
            case tree.Call():
                return self._call(expr, scope)
            case tree.ListOf():
                return self._list(expr, scope, expected)
            case tree.ObjectOf():
                return self._object(expr, scope, expected)
            case tree.Presence(operand=operand):
                self.base(operand, scope)
                return t.BOOL
            case tree.Unary():
                return self._unary(expr, scope)
            case tree.Binary():
                return self._binary(expr, scope)
        raise AssertionError(f"no rule for {type(expr).__name__}")

    def _interpolation(self, expr: tree.Interpolation, scope: Scope) -> t.Type:
        for part in expr.parts:
            if isinstance(part, tree.Expr):
                kind = self.present(part, scope, "text made with it has a hole")
                if t.holds_secret(kind):
                    self.secret(part)
                elif isinstance(kind, (t.ListType, t.MapType, t.Record, t.ResourceType)):
                    self.checked.report(
                        "E101", f"text is made of single values, not of {a_type(kind)}", part.span,
                        help="name one of its fields, or use `json=` where JSON is meant",
                    )  # fmt: skip
        return t.TEXT

    def _list(self, expr: tree.ListOf, scope: Scope, expected: t.Type | None) -> t.Type:
        inner = t.list_of(expected)
        if inner is not None:
            for item in expr.items:
                self.want(item, scope, inner.item, "an item of this list")
            return inner
        kinds = [self.infer(item, scope) for item in expr.items]
        common: t.Type | None = kinds[0] if kinds else t.NEVER
        for kind in kinds[1:]:
            common = t.unify(common, kind) if common is not None else None
        return t.ListType(common if common is not None else t.JSON if all(map(t.is_json, kinds)) else t.ANY)

    def _object(self, expr: tree.ObjectOf, scope: Scope, expected: t.Type | None) -> t.Type:
        record = t.strip(expected) if expected is not None else None
        if isinstance(record, t.Record):
            return self._record(expr, scope, record)
        secrets = isinstance(record, t.MapType) and record.value == t.SECRET
        fields = []
        for key, value in expr.pairs:
            kind = self.infer(value, scope)
            if t.holds_secret(kind) and not secrets:
                self.secret(value)
                kind = t.NEVER
            fields.append((key, kind))
        return t.Record("object", tuple(fields), open=True, mapping=True)

    def _record(self, expr: tree.ObjectOf, scope: Scope, record: t.Record) -> t.Type:
        for key, value in expr.pairs:
            kind = record.field(key)
            if kind is None:
                names = [name for name, _ in record.fields]
                guess = suggest(key, names)
                help = f"did you mean `{guess}`?" if guess else f"it has: {', '.join(names)}"
                self.checked.report("E105", f"{record} has no `{key}`", value.span, help=help)
            else:
                self.want(value, scope, kind, f"`{key}`")
        return record

    # --- operators ----------------------------------------------------------------------------------------------

    def _unary(self, expr: tree.Unary, scope: Scope) -> t.Type:
        if expr.op == "not":
            self.condition(expr.operand, scope)
            return t.BOOL
        kind = self.present(expr.operand, scope, f"`{expr.op}` has no clear answer")
        if operators.base(kind) not in operators.NEGATABLE:
            if not isinstance(kind, t.Never):
                self.checked.report("E103", f"`-` does not apply to {a_type(kind)}", expr.span)
            return t.NEVER
        return operators.base(kind)

    def condition(self, expr: tree.Expr, scope: Scope) -> None:
        """An expression that decides: a bool that is there."""
        kind = self.infer(expr, scope)
        if isinstance(kind, t.Optional) and not t.BOOL.accepts(kind.inner):
            kind = kind.inner  # that it may be absent is not what is wrong with it
        elif isinstance(kind, t.Optional):
            self._absent(expr, "it decides nothing")
            return
        self._bool(expr, kind)

    def _bool(self, expr: tree.Expr, kind: t.Type) -> None:
        if not t.BOOL.accepts(kind):
            self.checked.report(
                "E101",
                f"a condition is a bool, not {a_type(kind)}",
                expr.span,
                help="compare it with something; there is no truthiness",
            )

    def _binary(self, expr: tree.Binary, scope: Scope) -> t.Type:
        op = expr.op
        if op in ("and", "or"):
            return self._logic(expr, scope)
        if op == "??":
            return self._default(expr, scope)
        if op == "==":
            return self._compare(expr, self.infer(expr.left, scope), self.infer(expr.right, scope))
        if op in ("in", "not in"):
            return self._membership(expr, scope)
        if op == "/" and self._no_rate(expr, scope):
            return t.NEVER
        why = f"`{op}` has no clear answer"
        left, right = self.present(expr.left, scope, why), self.present(expr.right, scope, why)
        if op == "!=":
            return self._compare(expr, left, right)
        if isinstance(left, t.Never) or isinstance(right, t.Never):
            return t.NEVER if op in "+-*/%" else t.BOOL
        if op == "matches":
            return self._matches(expr, left)
        if op in ("<", "<=", ">", ">="):
            if not operators.ordered(left, right):
                self._no_operator(expr, left, right)
            return t.BOOL
        result = operators.arithmetic(op, left, right)
        if result is None:
            self._no_operator(expr, left, right)
        return result or t.NEVER

    def _no_rate(self, expr: tree.Binary, scope: Scope) -> bool:
        """`100/mn`: a number, and a word that nothing is called."""
        count, word = expr.left, expr.right
        if not isinstance(count, tree.Literal) or not isinstance(word, tree.Name) or count.kind != "int":
            return False
        if scope.find(word.name) is not None or self._root(word.name) is not None:
            return False
        guess = suggest(word.name, list(PERIODS)) or {"m": "min", "sec": "s", "hour": "h", "d": "day"}.get(word.name)
        self.checked.report(
            "E003", f"there is no `{word.name}` here, and no such period", word.span,
            help=f"a rate is written `{count.raw}/{guess or 'min'}`; per `s`, `min`, `h` or `day`",
        )  # fmt: skip
        return True

    def _logic(self, expr: tree.Binary, scope: Scope) -> t.Type:
        self.condition(expr.left, scope)
        self.condition(expr.right, scope.child(self.present_places(expr.left, expr.op == "and")))
        return t.BOOL

    def _default(self, expr: tree.Binary, scope: Scope) -> t.Type:
        left = self.infer(expr.left, scope)
        if not isinstance(left, (t.Optional, t.Never)):
            self.checked.report(
                "W302",
                "this value is never absent, so the default is never used",
                expr.op_span.to(expr.right.span),
                severity="warning",
                help=f"leave out `{expr.op} {self.written(expr.right)}`",
            )
        right = self.infer(expr.right, scope, t.strip(left))
        result = t.unify(t.strip(left), t.strip(right))
        if t.holds_secret(right) and not t.holds_secret(left):
            self.secret(expr.right)
            return t.NEVER
        if result is None:
            self.checked.report(
                "E101", f"the default is {a_type(right)}, the value {a_type(t.strip(left))}", expr.right.span
            )
            return t.NEVER
        return t.Optional(result) if isinstance(right, t.Optional) else result

    def _compare(self, expr: tree.Binary, left: t.Type, right: t.Type) -> t.Type:
        if t.holds_secret(left) or t.holds_secret(right):
            self.secret(expr.left if t.holds_secret(left) else expr.right)
        elif t.NONE in (left, right):
            side = expr.left if right == t.NONE else expr.right
            word = "absent" if expr.op == "==" else "present"
            self.checked.report(
                "E101", "absent equals nothing, not even `none`, so this never holds", expr.span,
                help=f"write `{self.written(side)} is {word}`",
            )  # fmt: skip
        elif not operators.comparable(left, right):
            if self._choice_literal(expr, left, right):
                return t.BOOL
            self.checked.report(
                "E101",
                f"{a_type(t.strip(left))} and {a_type(t.strip(right))} are never equal",
                expr.op_span,
                helps=unit_help(expr.right, left),
            )
        return t.BOOL

    def _choice_literal(self, expr: tree.Binary, left: t.Type, right: t.Type) -> bool:
        value = self.checked.constants.get(expr.right)
        status = operators.base(t.strip(left)) in (t.STATUS, t.INT) and isinstance(value, StatusClass)
        return status or isinstance(left, t.ResourceType) or isinstance(right, t.ResourceType)

    def _membership(self, expr: tree.Binary, scope: Scope) -> t.Type:
        why = f"`{expr.op}` has no clear answer"
        left, right = self.present(expr.left, scope, why), self.present(expr.right, scope, why)
        if isinstance(left, t.Never) or isinstance(right, t.Never):
            return t.BOOL
        if t.holds_secret(left) or t.holds_secret(right):
            self.secret(expr.left if t.holds_secret(left) else expr.right)
            return t.BOOL
        if isinstance(right, t.ListType):
            if left == t.IP and operators.base(right.item) in (t.TEXT, t.NETWORK):
                self._networks(expr.right)
            elif not operators.comparable(left, right.item):
                self.checked.report("E101", f"{a_type(left)} is never in {a_type(right)}", expr.op_span)
        elif isinstance(right, (t.MapType, t.Record)):
            if not t.TEXT.accepts(left):
                self.checked.report("E101", f"the keys of {a_type(right)} are text, not {a_type(left)}", expr.left.span)
        elif isinstance(self.checked.constants.get(expr.right), StatusClass):
            pass
        elif right != t.JSON:
            self.checked.report(
                "E103", f"`{expr.op}` looks into a list or a map, not into {a_type(right)}", expr.right.span
            )
        return t.BOOL

    def _networks(self, expr: tree.Expr) -> None:
        value = self.checked.constants.get(expr)
        for problem in bad_networks(value) if isinstance(value, list) else ():
            items = expr.items if isinstance(expr, tree.ListOf) else ()
            span = next((item.span for item in items if self.checked.constants.get(item) == problem), expr.span)
            help = 'write it as "10.0.0.0/8", as "2001:db8::/32", or as one address'
            self.checked.report("E108", f'"{problem}" is not a network', span, help=help)

    def _matches(self, expr: tree.Binary, left: t.Type) -> t.Type:
        if not t.TEXT.accepts(left):
            self._no_operator(expr, left, t.TEXT)
        pattern = self.checked.constants.get(expr.right)
        if not isinstance(pattern, str) and self.checked.types.get(expr.right) not in (t.TEXT, t.NEVER):
            self._no_operator(expr, left, self.checked.types.get(expr.right, t.NEVER))
        elif not isinstance(pattern, str):
            help = "use a literal or a `const`; `contains`, `starts_with` and `ends_with` take any text"
            self.checked.report("E106", "a pattern must be known when the policy loads", expr.right.span, help=help)
        elif (problem := bad_pattern(pattern)) is not None:
            note = "a pattern never backtracks, so there are no back references and no look-around"
            self.checked.report("E109", f"this pattern cannot be used: {problem}", expr.right.span, note=note)
        return t.BOOL

    def _no_operator(self, expr: tree.Binary, left: t.Type, right: t.Type) -> None:
        if t.holds_secret(left) or t.holds_secret(right):
            self.secret(expr.left if t.holds_secret(left) else expr.right)
            return
        self.checked.report(
            "E103", f"`{expr.op}` does not apply to {both_types(left, right)}", expr.op_span,
            helps=self._other_way(expr, left, right),
        )  # fmt: skip

    def _other_way(self, expr: tree.Binary, left: t.Type, right: t.Type) -> tuple[str, ...]:
        """What may have been meant by an operator that does not apply."""
        if expr.op == "+" and t.TEXT in (left, right):
            return ('text is joined by interpolation: `"{a}{b}"`',)
        if expr.op in ("<", "<=", ">", ">=") and t.TEXT in (left, right):
            return ("text has no order; it is compared with `==`, `in` or `matches`",)
        if expr.op in ("*", "/"):
            return ()
        return unit_help(expr.right, left) or unit_help(expr.left, right) or _units(left, right)


LITERALS: dict[str, t.Type] = {
    "int": t.INT,
    "number": t.NUMBER,
    "text": t.TEXT,
    "bool": t.BOOL,
    "none": t.NONE,
    "duration": t.DURATION,
    "size": t.SIZE,
    "rate": t.RATE,
    "money": t.MONEY,
    "percent": t.PERCENT,
    "statusclass": t.FAILURE,
    "wrong": t.NEVER,
}


def _units(left: t.Type, right: t.Type) -> tuple[str, ...]:
    units = {t.DURATION, t.SIZE, t.MONEY, t.RATE, t.PERCENT}
    return ("units do not mix",) if left != right and {left, right} <= units else ()


def bad_networks(values: list[Any]) -> list[str]:
    """The texts that are no network."""
    from ipaddress import ip_network

    bad = []
    for value in values:
        try:
            ip_network(value)
        except ValueError:
            bad.append(str(value))
    return bad


def bad_pattern(pattern: str) -> str | None:
    """Why RE2 does not take a pattern, or None. RE2 runs in time linear in the text, so no pattern can hang."""
    import re2

    try:
        options = re2.Options()
        options.log_errors = False
        re2.compile(pattern, options)
    except re2.error as error:
        return str(error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0])
    return None
