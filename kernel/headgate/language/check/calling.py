"""Calls in expressions: of functions, and of resources that take values."""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.naming import Naming
from headgate.language.check.places import place_of
from headgate.language.check.result import BoundCall, BoundFunction
from headgate.language.check.scope import Scope, Symbol
from headgate.language.check.wording import a_type
from headgate.language.suggest import suggest
from headgate.language.vocabulary import FunctionSpec

# Functions that ask what happened in a test; those that ask by a text, not by a resource.
OBSERVING = frozenset({"sent", "calls", "called", "spent", "shadowed"})
OF_TEXT = frozenset({"spent", "shadowed"})


class Calling(Naming):
    """Types for `f(x)`."""

    def _call(self, expr: tree.Call, scope: Scope) -> t.Type:
        name = expr.function.name if isinstance(expr.function, tree.Name) else None
        spec = self.checked.vocabulary.functions.get(name) if name else None
        if spec is not None:
            return self._function(expr, spec, scope)
        symbol = self._called(expr, name, scope)
        if symbol is not None:
            return self._resource_call(expr, symbol, scope)
        for value in (*expr.args, *(arg.value for arg in expr.named)):
            self.infer(value, scope)
        return t.NEVER

    def _called(self, expr: tree.Call, name: str | None, scope: Scope) -> Symbol | None:
        """What is called where it is no function: a resource, maybe of an import; None, with a finding, if nothing."""
        function, functions = expr.function, self.checked.vocabulary.functions
        if name is not None and scope.find(name) is not None:
            self.base(function, scope)
            return self.checked.symbols.get(function)
        if isinstance(function, tree.Attr):
            base = self.base(function.base, scope)
            of_base = self.checked.symbols.get(function.base)
            if of_base is not None and of_base.kind == "module":
                self.base(function, scope)
                return self.checked.symbols.get(function)
            if not isinstance(base, t.Never):
                self._method(function)
        elif name is None:
            self.checked.report("E103", "only a function can be called", function.span)
        elif not self.checked.is_lost(self.around.module.name, name):
            guess = self._function_like(name)
            known = sorted(known for known in functions if self.around.testing or known not in OBSERVING)
            help = f"did you mean `{guess}`?" if guess else f"the functions are: {', '.join(known)}"
            self.checked.report("E003", f"there is no function `{name}`", function.span, help=help)
        return None

    def _method(self, function: tree.Attr) -> None:
        guess = self._function_like(function.name)
        place = place_of(function.base) or "…"
        self.checked.report(
            "E103", "values have no functions of their own", function.name_span,
            help=f"write `{guess}({place}, …)`" if guess else f"a function is called with the value: `lower({place})`",
        )  # fmt: skip

    def _function_like(self, name: str) -> str | None:
        """The function that was meant: the same name, a near one, or one that begins alike."""
        known = sorted(self.checked.vocabulary.functions)
        alike = (one for one in known if len(one) > 3 and (name.startswith(one) or one.startswith(name)))
        return name if name in known else suggest(name, known) or next(alike, None)

    def _resource_call(self, expr: tree.Call, symbol: Symbol, scope: Scope) -> t.Type:
        """A resource with parameters called with them: `classify(message=m.text)`."""
        node = symbol.ref.node if symbol.kind == "resource" and symbol.ref is not None else None
        params = {param.name: param for param in node.params} if isinstance(node, tree.Resource) else {}
        if not isinstance(node, tree.Resource) or not params:
            if symbol.kind != "broken" and not (symbol.kind == "resource" and node is None):
                self.checked.report("E103", f"`{symbol.name}` cannot be called", expr.function.span)
            return t.NEVER
        declared = self.checked.params[node]
        before = self.checked.mistakes
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
        if self.checked.mistakes == before:
            self.checked.calls[expr] = BoundCall(symbol.ref, {arg.name: arg.value for arg in expr.named})
        return symbol.type

    def _no_param(self, owner: str, arg: tree.Argument, names: list[str]) -> None:
        guess = suggest(arg.name, names)
        self.checked.report(
            "E002", f"`{owner}` takes no `{arg.name}`", arg.name_span,
            help=f"did you mean `{guess}`?" if guess else f"it takes: {', '.join(names) or 'nothing'}",
        )  # fmt: skip

    def _function(self, expr: tree.Call, spec: FunctionSpec, scope: Scope) -> t.Type:
        before = self.checked.mistakes
        bound: dict[str, tree.Expr] = dict(
            zip((p.name for p in spec.params[: spec.positional]), expr.args, strict=False)
        )
        if len(expr.args) > spec.positional:
            takes = ("no value", "one value")[spec.positional] if spec.positional < 2 else f"{spec.positional} values"
            extra = expr.args[spec.positional].span.to(expr.args[-1].span)
            self.checked.report("E002", f"`{spec.name}` takes {takes} without a name", extra)
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
        if spec.name in OBSERVING:
            self._observes(expr, spec, bound)
        if self.checked.mistakes == before:
            self.checked.functions[expr] = BoundFunction(spec, bound)
        return spec.returns

    def _observes(self, expr: tree.Call, spec: FunctionSpec, bound: dict[str, tree.Expr]) -> None:
        """What a test asks of what happened: `called(orders)`."""
        if not self.around.testing:
            self.checked.report("E012", f"`{spec.name}` is for tests", expr.span, help="it stands in `expect`")
            return
        of = next(iter(bound.values()), None)
        kind = self.checked.types.get(of, t.NEVER) if of is not None else t.NEVER
        wanted: t.Type = t.TEXT if spec.name in OF_TEXT else t.ResourceType("resource")
        fits = wanted.accepts(kind) if spec.name in OF_TEXT else isinstance(kind, (t.ResourceType, t.Never))
        if of is not None and not fits:
            what = "text" if spec.name in OF_TEXT else "the name of an upstream or a model"
            self.checked.report("E101", f"`{spec.name}` asks about {what}, not {a_type(kind)}", of.span)
