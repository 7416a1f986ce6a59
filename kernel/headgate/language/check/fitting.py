"""Whether an expression fits the place where it stands: its type, its bounds, and whether it is there at all.

Where words are wanted (`fail=open`, `on=[timeout]`) a bare name stands for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check import operators
from headgate.language.check.modules import Module
from headgate.language.check.places import place_of, present_places
from headgate.language.check.result import Checked
from headgate.language.check.scope import Scope
from headgate.language.check.wording import a_type, fit_help, unit_help
from headgate.language.source import Span
from headgate.language.suggest import suggest

FAILURE_WORDS = ("timeout", "unreachable", "protocol", "unavailable", "unconfigured", "refused", "status")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where an expression stands: its file, and what is special about the place. `testing`: in a `test`; `apart`: in a
    resource with parameters, where there is no request."""

    module: Module
    params: t.Record | None = None
    closing: bool = False
    err: t.Record | None = None
    testing: bool = False
    apart: bool = False


class Fitting:
    """What is asked of an expression once its type is known; `infer` finds the type."""

    def __init__(self, checked: Checked, around: Surroundings) -> None:
        self.checked = checked
        self.around = around

    def infer(self, expr: tree.Expr, scope: Scope, expected: t.Type | None = None) -> t.Type:
        """The type of an expression, recorded. Findings are reported; the result is `Never` after one."""
        raise NotImplementedError

    def want(self, expr: tree.Expr, scope: Scope, expected: t.Type, what: str) -> t.Type:
        """The type of an expression that must fit `expected`; `what` names the place in the finding."""
        if self._is_word(expr, scope, expected):
            return self._word(expr, expected)
        kind = self.infer(expr, scope, expected)
        if isinstance(expr, tree.ListOf) and t.list_of(expected) is not None:
            return kind
        if isinstance(expr, tree.ObjectOf) and isinstance(t.strip(expected), t.Record):
            return kind
        self._fits(expr, kind, expected, what)
        return kind

    def place(self, expr: tree.Expr) -> str | None:
        """The place that an expression names, if it does (see `places`)."""
        return place_of(expr, self.checked.constants)

    def present_places(self, expr: tree.Expr, holds: bool) -> frozenset[str]:
        """What is present where a condition, which was checked before, is true or false."""
        return present_places(expr, holds, self.checked.constants)

    def present(self, expr: tree.Expr, scope: Scope, why: str) -> t.Type:
        """The type of an expression that must not be absent here; `Never`, with a finding, where it may be."""
        kind = self.infer(expr, scope)
        if isinstance(kind, t.Optional):
            self._absent(expr, why)
            return t.NEVER  # what else may be wrong with it can wait
        return kind

    def case(self, value: tree.Expr, subject: t.Type, scope: Scope) -> t.Type:
        """The type of a case of `match`, which some value of the subject must be able to equal."""
        if isinstance(value, tree.Name) and isinstance(subject, t.Choice) and value.name in subject.words:
            return self._word(value, subject)
        before = self.checked.mistakes
        kind = self.infer(value, scope)
        if self.checked.mistakes > before or isinstance(subject, t.Never):
            return t.NEVER
        if t.holds_secret(kind):
            self.secret(value)
        elif kind == t.NONE:
            help = "what is absent equals no case: `else { … }` is for it"
            self.checked.report("E101", "absent equals nothing, not even `none`", value.span, help=help)
        elif isinstance(subject, t.Choice) and isinstance(self.checked.constants.get(value), str):
            self._of_choice(value, subject)
            return kind
        elif kind == t.FAILURE:
            shown = value.raw if isinstance(value, tree.Literal) else "5xx"
            help = f"ask for a class with `if … in {shown} {{ … }}`"
            self.checked.report("E101", "a class of statuses is no case", value.span, help=help)
        elif operators.comparable(subject, kind):
            return kind
        else:
            message = f"{a_type(t.strip(subject))} and {a_type(t.strip(kind))} are never equal"
            self.checked.report("E101", message, value.span, helps=unit_help(value, subject))
        return t.NEVER

    def _of_choice(self, value: tree.Expr, subject: t.Choice) -> None:
        word = str(self.checked.constants[value])
        if word not in subject.words:
            guess = suggest(word, subject.words)
            help = f"did you mean `{guess}`?" if guess else f"it is one of: {', '.join(subject.words)}"
            self.checked.report("E107", f"this is never `{word}`", value.span, help=help)

    # --- words ---------------------------------------------------------------------------------------------------

    def _is_word(self, expr: tree.Expr, scope: Scope, expected: t.Type) -> bool:
        """A bare name is a word where words are wanted; of a choice only where no value is called so."""
        inner = t.strip(expected)
        if isinstance(expr, tree.Literal) and expr.kind == "text":
            return isinstance(inner, t.Choice)
        if not isinstance(expr, tree.Name):
            return False
        if isinstance(inner, t.Choice):
            return expr.name in inner.words or scope.find(expr.name) is None
        return inner in (t.WORD, t.FAILURE)

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

    # --- fitting -------------------------------------------------------------------------------------------------

    def _fits(self, expr: tree.Expr, kind: t.Type, expected: t.Type, what: str) -> None:
        if t.holds_secret(kind) and not t.holds_secret(expected):
            self.secret(expr)
        elif expected == t.FAILURE and self._is_failure(expr):
            self._bounds(expr, t.STATUS, what)
        elif isinstance(kind, t.Optional) and not expected.accepts(kind) and expected.accepts(kind.inner):
            self._absent(expr, f"{what} needs a value")
        elif self._is_choice(expr, t.strip(expected)):
            pass
        elif not expected.accepts(kind):
            self.checked.report(
                "E101",
                f"{what} is {a_type(t.strip(expected))}, not {a_type(kind)}",
                expr.span,
                helps=fit_help(expr, kind, expected, self.written(expr)),
            )
        elif kind != t.NEVER:
            self._bounds(expr, t.strip(expected), what)

    def _is_failure(self, expr: tree.Expr) -> bool:
        return isinstance(expr, tree.Literal) and expr.kind in ("int", "statusclass")

    def _is_choice(self, expr: tree.Expr, expected: t.Type) -> bool:
        """A constant text that is one of the words."""
        return isinstance(expected, t.Choice) and self.checked.constants.get(expr) in expected.words

    def _bounds(self, expr: tree.Expr, expected: t.Type, what: str) -> None:
        low, high, shown = bounds_of(expected)
        if low is None and high is None:
            return
        if expr in self.checked.constants:
            value = self.checked.constants[expr]
            measure = len(value) if isinstance(value, (str, bytes, list)) else value
            if not isinstance(measure, (int, float)):
                return
            if (low is not None and measure < low) or (high is not None and measure > high):
                shows = f"this has {measure}" if isinstance(value, (str, bytes, list)) else ""
                self.checked.report("E102", f"{what} {shown}", expr.span, shows)
        elif isinstance(expected, t.Bounded) and high is not None and not self._bounded(expr, high):
            self.checked.report(
                "E106", f"{what} {shown}, and what this comes to is not known", expr.span,
                help="use a literal, a `const`, or a value whose type has such bounds: `n: int(0..10)`",
            )  # fmt: skip

    def _bounded(self, expr: tree.Expr, high: float) -> bool:
        """Whether the type of a value that comes later says that it is small enough."""
        kind = t.strip(self.checked.types.get(expr, t.NEVER))
        return isinstance(kind, t.Never) or (
            isinstance(kind, t.Bounded) and kind.high is not None and kind.high <= high
        )

    def _absent(self, expr: tree.Expr, why: str) -> None:
        text = self.written(expr) if self.place(expr) else None
        shown = f"`{text}`" if text else "this value"
        test = f"test it first: `if {text} is present {{ … }}`" if text else "bind it with `let`, and test that first"
        self.checked.report(
            "E301", f"{shown} may be absent, so {why}", expr.span, "may be absent", related=self._since(expr),
            helps=(f"give it a default: `{text or '…'} ?? …`", f"or {test}"),
        )  # fmt: skip

    def _since(self, expr: tree.Expr) -> tuple[tuple[Span, str], ...]:
        """Where the name was bound that makes a field of it absent."""
        while isinstance(expr, (tree.Attr, tree.Index, tree.Grouped)):
            expr = expr.inner if isinstance(expr, tree.Grouped) else expr.base
            symbol = self.checked.symbols.get(expr)
            if symbol is not None and symbol.kind == "local" and isinstance(self.checked.types.get(expr), t.Optional):
                return ((symbol.span, "what is bound here may be absent"),) if symbol.span is not None else ()
        return ()

    def written_here(self, expr: tree.Expr) -> None:
        """A path or a location that is made of values is made where it is used: there each value stays in its place."""
        symbol = self.checked.symbols.get(expr)
        let = symbol.ref if symbol is not None and symbol.kind == "local" else None
        if (
            isinstance(let, tree.Let)
            and isinstance(let.value, tree.Interpolation)
            and let.value not in self.checked.constants
        ):
            self.checked.report(
                "E504", f"`{let.bind.name}` is a text by now, in which no value is kept to its segment", expr.span,
                related=((let.value.span, "it is made here"),), help="write the text itself where it is used",
            )  # fmt: skip

    def written(self, expr: tree.Expr) -> str:
        """An expression as it stands in the file; `…` for what takes several lines."""
        span = expr.span
        line = self.around.module.source.line(span.line) if span.file == self.around.module.source.name else ""
        return (line[span.column - 1 : span.end_column - 1] if span.line == span.end_line else "") or "…"

    def secret(self, expr: tree.Expr) -> None:
        """Report a secret that stands where none may."""
        self.checked.report(
            "E503", "a secret fits only a parameter that takes a secret", expr.span,
            help="secrets are never printed, logged, interpolated or compared; pass it to the step that needs it",
        )  # fmt: skip


def bounds_of(kind: t.Type) -> tuple[float | None, float | None, str]:
    """The least and the greatest value of a type, and what a sentence says of them: those written, or of the unit."""
    if kind == t.STATUS:
        kind = t.Bounded(t.STATUS, 100, 599)
    if not isinstance(kind, t.Bounded):
        return (0, None, "must not be negative") if kind in (t.DURATION, t.SIZE) else (None, None, "")
    low, high = kind.low, kind.high
    verb = "must have" if kind.base in (t.TEXT, t.BYTES) else "must be"
    what = {"text": " characters", "bytes": " bytes"}.get(str(kind.base), "")
    if low is None or high is None:
        return low, high, f"{verb} at {f'most {high:g}' if high is not None else f'least {low:g}'}{what}"
    return low, high, f"{verb} from {low:g} to {high:g}{what}"
