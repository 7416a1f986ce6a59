"""Types for expressions.

1. Every expression gets a type, once; a mistake gives `Never`, which fits everywhere, so one mistake is one finding.
2. Where a type is expected it comes along (`expected`): a bare word then stands for itself, an object is checked
   field by field, a literal against its bounds.
3. A value that may be absent is only passed on, compared by `==`, or tested (SEMANTICS, rule 5). What a test has shown
   to be present is in `scope.narrowed`, by the text of its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headgate.contracts.values import StatusClass
from headgate.language import tree
from headgate.language import types as t
from headgate.language.check import operators
from headgate.language.check.fold import UNFOLDED, Folder
from headgate.language.check.modules import Module
from headgate.language.check.places import place_of, present_places
from headgate.language.check.result import BoundFunction, Checked
from headgate.language.check.roots import ROOTS, VALUES
from headgate.language.check.scope import Scope, Symbol
from headgate.language.suggest import suggest
from headgate.language.vocabulary import FunctionSpec

FAILURE_WORDS = ("timeout", "unreachable", "protocol", "unavailable", "unconfigured", "refused", "status")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where an expression stands: its file, and what is special about the place."""

    module: Module
    params: t.Record | None = None
    closing: bool = False
    err: t.Record | None = None


class Expressions:
    """Types the expressions of one file, into the tables of `checked`."""

    def __init__(self, checked: Checked, around: Surroundings) -> None:
        self.checked = checked
        self.around = around
        self.folder = Folder(checked)

    # --- the two questions -------------------------------------------------------------------------------------------

    def infer(self, expr: tree.Expr, scope: Scope, expected: t.Type | None = None) -> t.Type:
        """The type of an expression, recorded. Findings are reported; the result is `Never` after one."""
        kind = self._infer(expr, scope, expected)
        if isinstance(kind, t.Optional) and place_of(expr) in scope.narrowed:
            kind = kind.inner
        self.checked.types[expr] = kind
        value = self.folder.fold(expr)
        if value is not UNFOLDED:
            self.checked.constants[expr] = value
        return kind

    def want(self, expr: tree.Expr, scope: Scope, expected: t.Type, what: str) -> t.Type:
        """The type of an expression that must fit `expected`; `what` names the place in the finding."""
        if self._is_word(expr, expected):
            return self._word(expr, expected)
        kind = self.infer(expr, scope, expected)
        if isinstance(expr, tree.ListOf) and isinstance(expected, t.ListType):
            return kind
        if isinstance(expr, tree.ObjectOf) and isinstance(t.strip(expected), t.Record):
            return kind
        self._fits(expr, kind, expected, what)
        return kind

    def present(self, expr: tree.Expr, scope: Scope, why: str) -> t.Type:
        """The type of an expression that must not be absent here."""
        kind = self.infer(expr, scope)
        if isinstance(kind, t.Optional):
            self._absent(expr, why)
            return kind.inner
        return kind

    # --- words -----------------------------------------------------------------------------------------------------------

    def _is_word(self, expr: tree.Expr, expected: t.Type) -> bool:
        inner = t.strip(expected)
        if isinstance(expr, tree.Literal) and expr.kind == "text":
            return isinstance(inner, t.Choice)
        if not isinstance(expr, tree.Name):
            return False
        return inner == t.WORD or inner == t.FAILURE or isinstance(inner, t.Choice)

    def _word(self, expr: tree.Expr, expected: t.Type) -> t.Type:
        inner = t.strip(expected)
        word = expr.name if isinstance(expr, tree.Name) else str(getattr(expr, "value", ""))
        allowed = inner.words if isinstance(inner, t.Choice) else FAILURE_WORDS if inner == t.FAILURE else None
        if allowed is not None and word not in allowed:
            guess = suggest(word, allowed)
            self.checked.report(
                "E107", f"`{word}` is not one of the words that fit here", expr.span,
                help=f"did you mean `{guess}`?" if guess else f"one of: {', '.join(allowed)}",
            )  # fmt: skip
        self.checked.types[expr] = expected
        self.checked.words[expr] = word
        self.checked.constants[expr] = f"upstream.{word}" if inner == t.FAILURE else word
        return expected

    # --- fitting ---------------------------------------------------------------------------------------------------------

    def _fits(self, expr: tree.Expr, kind: t.Type, expected: t.Type, what: str) -> None:
        if kind == t.SECRET and t.strip(expected) != t.SECRET:
            self._secret(expr)
        elif expected == t.FAILURE and self._is_failure(expr):
            pass
        elif isinstance(kind, t.Optional) and not expected.accepts(kind) and expected.accepts(kind.inner):
            self._absent(expr, f"{what} needs a value")
        elif not expected.accepts(kind):
            self.checked.report(
                "E101", f"{what} is {_a(expected)}, not {_a(kind)}", expr.span, helps=_unit_help(expr, expected)
            )
        else:
            self._bounds(expr, t.strip(expected), what)

    def _is_failure(self, expr: tree.Expr) -> bool:
        return isinstance(expr, tree.Literal) and expr.kind in ("int", "statusclass")

    def _bounds(self, expr: tree.Expr, expected: t.Type, what: str) -> None:
        if not isinstance(expected, t.Bounded) or expr not in self.checked.constants:
            return
        value = self.checked.constants[expr]
        measure = len(value) if isinstance(value, (str, list)) else value
        low, high = expected.low, expected.high
        if (low is not None and measure < low) or (high is not None and measure > high):
            self.checked.report("E102", f"{what} must lie within {expected}", expr.span, f"this is {measure}")

    def _absent(self, expr: tree.Expr, why: str) -> None:
        text = place_of(expr) or "this value"
        self.checked.report(
            "E301", f"`{text}` may be absent, so {why}", expr.span, "may be absent",
            helps=(f"give it a default: `{text} ?? …`", f"or test it first: `if {text} is present {{ … }}`"),
        )  # fmt: skip

    def _secret(self, expr: tree.Expr) -> None:
        self.checked.report(
            "E503", "a secret fits only a parameter that takes a secret", expr.span,
            help="secrets are never printed, logged, interpolated or compared; pass it to the step that needs it",
        )  # fmt: skip

    # --- one form each ---------------------------------------------------------------------------------------------------

    def _infer(self, expr: tree.Expr, scope: Scope, expected: t.Type | None) -> t.Type:
        match expr:
            case tree.Literal():
                return LITERALS[expr.kind]
            case tree.Grouped(inner=inner):
                return self.infer(inner, scope, expected)
            case tree.Interpolation():
                return self._interpolation(expr, scope)
            case tree.Name():
                return self._name(expr, scope)
            case tree.Attr():
                return self._attr(expr, scope)
            case tree.Index():
                return self._index(expr, scope)
            case tree.Call():
                return self._call(expr, scope)
            case tree.ListOf():
                return self._list(expr, scope, expected)
            case tree.ObjectOf():
                return self._object(expr, scope, expected)
            case tree.Presence(operand=operand):
                self.infer(operand, scope)
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
                if kind == t.SECRET:
                    self._secret(part)
                elif isinstance(kind, (t.ListType, t.MapType, t.Record, t.ResourceType)):
                    self.checked.report(
                        "E101", f"text is made of single values, not of {_a(kind)}", part.span,
                        help="name one of its fields, or use `json=` where JSON is meant",
                    )  # fmt: skip
        return t.TEXT

    def _name(self, expr: tree.Name, scope: Scope) -> t.Type:
        symbol = scope.find(expr.name) or self._root(expr.name)
        if symbol is None:
            self._unknown(expr, scope)
            return t.NEVER
        self.checked.symbols[expr] = symbol
        return symbol.type

    def _root(self, name: str) -> Symbol | None:
        around = self.around
        if name == "err" and around.err is not None:
            return Symbol("root", "err", around.err)
        if name == "request" and around.params is not None:
            fields = tuple((key, around.params if key == "params" else kind) for key, kind in ROOTS[name].type.fields)
            return Symbol("root", name, t.Record("request", fields))
        if name in ROOTS:
            root = ROOTS[name]
            maybe = around.closing and root.needs in ("auth", "response")
            return Symbol("root", name, t.Optional(root.type) if maybe else root.type, root)
        if name in VALUES:
            return Symbol("root", name, VALUES[name][0], VALUES[name])
        return None

    def _unknown(self, expr: tree.Name, scope: Scope) -> None:
        names = [*scope.all_names(), *ROOTS, *VALUES, *self.checked.vocabulary.functions]
        guess = suggest(expr.name, names)
        note = "`err` exists inside `on … { }`" if expr.name == "err" else ""
        self.checked.report(
            "E003",
            f"there is no `{expr.name}` here",
            expr.span,
            note=note,
            help=f"did you mean `{guess}`?" if guess else "",
        )

    def _attr(self, expr: tree.Attr, scope: Scope) -> t.Type:
        base = self.infer(expr.base, scope)
        symbol = self.checked.symbols.get(expr.base)
        if symbol is not None and symbol.kind == "module":
            return self._member(expr, symbol.ref)
        if isinstance(base, t.Optional):
            inner = self._field(expr, base.inner)
            return inner if isinstance(inner, (t.Optional, t.Never)) else t.Optional(inner)
        return self._field(expr, base)

    def _member(self, expr: tree.Attr, module: Module) -> t.Type:
        symbol = self.checked.exports[module.name].find(expr.name)
        if symbol is None:
            guess = suggest(expr.name, list(self.checked.exports[module.name].names))
            self.checked.report(
                "E003",
                f"{module.name} has no `{expr.name}`",
                expr.name_span,
                help=f"did you mean `{guess}`?" if guess else "",
            )
            return t.NEVER
        self.checked.symbols[expr] = symbol
        return symbol.type

    def _field(self, expr: tree.Attr, base: t.Type) -> t.Type:
        if isinstance(base, t.Never):
            return t.NEVER
        if isinstance(base, t.Record):
            found = base.field(expr.name)
            if found is not None:
                return found
            if base.open:
                return t.Optional(t.JSON)
            names = [name for name, _ in base.fields]
            guess = suggest(expr.name, names)
            help = f"did you mean `{guess}`?" if guess else f"it has: {', '.join(names) or 'no fields'}"
            self.checked.report("E105", f"{base} has no `{expr.name}`", expr.name_span, help=help)
            return t.NEVER
        if isinstance(base, t.MapType):
            return t.Optional(base.value)
        if base == t.JSON:
            return t.Optional(t.JSON)
        self.checked.report("E105", f"{_a(base)} has no fields", expr.name_span, f"`.{expr.name}` asks for one")
        return t.NEVER

    def _index(self, expr: tree.Index, scope: Scope) -> t.Type:
        base = t.strip(self.infer(expr.base, scope))
        if isinstance(base, t.ListType):
            self.want(expr.key, scope, t.INT, "the place in a list")
            return t.Optional(t.strip(base.item))
        if isinstance(base, t.MapType):
            self.want(expr.key, scope, t.TEXT, "the key")
            return t.Optional(t.strip(base.value))
        if base == t.JSON:
            self.infer(expr.key, scope)
            return t.Optional(t.JSON)
        self.infer(expr.key, scope)
        if not isinstance(base, t.Never):
            self.checked.report("E105", f"{_a(base)} has no places to look up", expr.span)
        return t.NEVER

    def _call(self, expr: tree.Call, scope: Scope) -> t.Type:
        name = expr.function.name if isinstance(expr.function, tree.Name) else None
        spec = self.checked.vocabulary.functions.get(name) if name else None
        if spec is not None:
            return self._function(expr, spec, scope)
        if name is None or (symbol := scope.find(name)) is None:
            if isinstance(expr.function, tree.Attr) and isinstance(self.infer(expr.function, scope), t.ResourceType):
                return self._resource_call(expr, self.checked.symbols[expr.function], scope)
            guess = suggest(name or "", list(self.checked.vocabulary.functions))
            self.checked.report(
                "E003",
                f"there is no function `{name or '…'}`",
                expr.function.span,
                help=f"did you mean `{guess}`?" if guess else "",
            )
            for value in (*expr.args, *(arg.value for arg in expr.named)):
                self.infer(value, scope)
            return t.NEVER
        self.infer(expr.function, scope)
        return self._resource_call(expr, symbol, scope)

    def _resource_call(self, expr: tree.Call, symbol: Symbol, scope: Scope) -> t.Type:
        """A resource with parameters called with them: `classify(message=m.text)`."""
        node = symbol.ref.node if symbol.kind == "resource" and symbol.ref is not None else None
        params = {param.name: param for param in node.params} if isinstance(node, tree.Resource) else {}
        if not isinstance(node, tree.Resource) or not params:
            self.checked.report("E103", f"`{symbol.name}` cannot be called", expr.function.span)
            return t.NEVER
        declared = self.checked.params[node]
        for arg in expr.named:
            if arg.name not in params:
                self._no_param(symbol.name, arg, list(params))
            else:
                self.want(arg.value, scope, declared[arg.name], f"`{arg.name}`")
        given = {arg.name for arg in expr.named}
        missing = [name for name, param in params.items() if param.default is None and name not in given]
        if missing or expr.args:
            self.checked.report(
                "E005", f"`{symbol.name}` needs {', '.join(f'`{name}=`' for name in missing or params)}", expr.span
            )
        return symbol.type

    def _no_param(self, owner: str, arg: tree.Argument, names: list[str]) -> None:
        guess = suggest(arg.name, names)
        self.checked.report(
            "E002", f"`{owner}` takes no `{arg.name}`", arg.name_span,
            help=f"did you mean `{guess}`?" if guess else f"it takes: {', '.join(names) or 'nothing'}",
        )  # fmt: skip

    def _function(self, expr: tree.Call, spec: FunctionSpec, scope: Scope) -> t.Type:
        bound: dict[str, tree.Expr] = dict(
            zip((p.name for p in spec.params[: spec.positional]), expr.args, strict=False)
        )
        if len(expr.args) > spec.positional:
            self.checked.report("E002", f"`{spec.name}` takes {spec.positional} values without a name", expr.span)
        for arg in expr.named:
            if not any(param.name == arg.name for param in spec.params):
                self._no_param(spec.name, arg, [param.name for param in spec.params])
            else:
                bound[arg.name] = arg.value
        for param in spec.params:
            if param.name in bound:
                self.want(bound[param.name], scope, param.type, f"`{param.name}` of `{spec.name}`")
            elif param.required:
                self.checked.report("E005", f"`{spec.name}` needs `{param.name}`", expr.span)
        self.checked.functions[expr] = BoundFunction(spec, bound)
        return spec.returns

    def _list(self, expr: tree.ListOf, scope: Scope, expected: t.Type | None) -> t.Type:
        inner = t.strip(expected) if expected is not None else None
        if isinstance(inner, t.ListType):
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
            if kind == t.SECRET and not secrets:
                self._secret(value)
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

    def _unary(self, expr: tree.Unary, scope: Scope) -> t.Type:
        kind = self.present(expr.operand, scope, f"`{expr.op}` has no clear answer")
        if expr.op == "not":
            self._bool(expr.operand, kind)
            return t.BOOL
        if operators.base(kind) not in operators.NEGATABLE and not isinstance(kind, t.Never):
            self.checked.report("E103", f"`-` does not apply to {_a(kind)}", expr.span)
            return t.NEVER
        return operators.base(kind)

    def condition(self, expr: tree.Expr, scope: Scope) -> None:
        """An expression that decides: a bool that is there."""
        self._bool(expr, self.present(expr, scope, "it decides nothing"))

    def _bool(self, expr: tree.Expr, kind: t.Type) -> None:
        if not t.BOOL.accepts(kind):
            self.checked.report(
                "E101",
                f"a condition is a bool, not {_a(kind)}",
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

    def _logic(self, expr: tree.Binary, scope: Scope) -> t.Type:
        left_scope, right_scope = scope, scope.child(present_places(expr.left, expr.op == "and"))
        for side, where in ((expr.left, left_scope), (expr.right, right_scope)):
            self._bool(side, self.present(side, where, f"`{expr.op}` has no clear answer"))
        return t.BOOL

    def _default(self, expr: tree.Binary, scope: Scope) -> t.Type:
        left = self.infer(expr.left, scope)
        if not isinstance(left, (t.Optional, t.Never)):
            self.checked.report(
                "E302", "this value is never absent, so the default is never used", expr.op_span, severity="warning"
            )
        right = self.infer(expr.right, scope, t.strip(left))
        result = t.unify(t.strip(left), t.strip(right))
        if result is None:
            self.checked.report("E101", f"the default is {_a(right)}, the value {_a(t.strip(left))}", expr.right.span)
            return t.NEVER
        return t.Optional(result) if isinstance(right, t.Optional) else result

    def _compare(self, expr: tree.Binary, left: t.Type, right: t.Type) -> t.Type:
        if t.SECRET in (left, right):
            self._secret(expr.left if left == t.SECRET else expr.right)
        elif not operators.comparable(left, right):
            if self._choice_literal(expr, left, right):
                return t.BOOL
            self.checked.report(
                "E101", f"{_a(left)} and {_a(right)} are never equal", expr.op_span, helps=_unit_help(expr.right, left)
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
        if isinstance(right, t.ListType):
            if left == t.IP and operators.base(right.item) in (t.TEXT, t.NETWORK):
                self._networks(expr.right)
            elif not operators.comparable(left, right.item):
                self.checked.report("E101", f"{_a(left)} is never in {_a(right)}", expr.op_span)
        elif isinstance(right, (t.MapType, t.Record)):
            if not t.TEXT.accepts(left):
                self.checked.report("E101", f"the keys of {_a(right)} are text, not {_a(left)}", expr.left.span)
        elif isinstance(self.checked.constants.get(expr.right), StatusClass):
            pass
        elif right != t.JSON:
            self.checked.report(
                "E103", f"`{expr.op}` looks into a list or a map, not into {_a(right)}", expr.right.span
            )
        return t.BOOL

    def _networks(self, expr: tree.Expr) -> None:
        value = self.checked.constants.get(expr)
        for problem in bad_networks(value) if isinstance(value, list) else ():
            self.checked.report(
                "E108", f"{problem!r} is not a network", expr.span, help='write it as "10.0.0.0/8" or "2001:db8::/32"'
            )

    def _matches(self, expr: tree.Binary, left: t.Type) -> t.Type:
        if not t.TEXT.accepts(left):
            self._no_operator(expr, left, t.TEXT)
        pattern = self.checked.constants.get(expr.right)
        if not isinstance(pattern, str):
            self.checked.report("E106", "a pattern must be known when the policy loads", expr.right.span)
        elif (problem := bad_pattern(pattern)) is not None:
            self.checked.report("E109", f"this pattern cannot be used: {problem}", expr.right.span)
        return t.BOOL

    def _no_operator(self, expr: tree.Binary, left: t.Type, right: t.Type) -> None:
        help = 'text is joined by interpolation: "{a}{b}"' if expr.op == "+" and t.TEXT in (left, right) else ""
        self.checked.report(
            "E103", f"`{expr.op}` does not apply to {_a(left)} and {_a(right)}", expr.op_span,
            helps=(help,) if help else _unit_help(expr.right, left),
        )  # fmt: skip


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
}

_EXAMPLES = {t.DURATION: "s", t.SIZE: "KB", t.MONEY: "$", t.RATE: "/min", t.PERCENT: "%"}


def _a(kind: t.Type) -> str:
    """The type as a sentence names it."""
    text = str(kind)
    if isinstance(kind, (t.Choice, t.Anything, t.TypeName)):
        return text
    return f"an {text}" if text[:1] in "aeio" else f"a {text}"


def _unit_help(expr: tree.Expr, expected: t.Type) -> tuple[str, ...]:
    """For a bare number where a unit is wanted: how it is written."""
    wanted = operators.base(t.strip(expected))
    if not isinstance(expr, tree.Literal) or expr.kind not in ("int", "number") or wanted not in _EXAMPLES:
        return ()
    unit = _EXAMPLES[wanted]
    written = f"${expr.raw}" if unit == "$" else f"{expr.raw}{unit}"
    return (f"a {wanted} has a unit: `{written}`",)


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
        re2.compile(pattern)
    except re2.error as error:
        return str(error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0])
    return None
