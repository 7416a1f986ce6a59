"""What files declare: types, constants, resources, fragments. Each file's names become its exports."""

from __future__ import annotations

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.expressions import Expressions
from headgate.language.check.fitting import Surroundings
from headgate.language.check.modules import Module
from headgate.language.check.names import bind
from headgate.language.check.result import BoundResource, Checked
from headgate.language.check.scope import Scope, Symbol
from headgate.language.check.typenames import TypeNames
from headgate.language.source import Span
from headgate.language.suggest import suggest
from headgate.language.vocabulary import ResourceSpec


def declare(checked: Checked, module: Module) -> None:
    """Fill `checked.exports[module]`: every name of the file, in the order of the file."""
    scope = checked.exports[module.name] = Scope()
    for item in module.file.items:
        if isinstance(item, tree.Import):
            found = module.imports.get(item.name)
            kind = "module" if found is not None else "broken"  # what is wrong with it is said where it is read
            bind(checked, scope, item.name, item.span, Symbol(kind, item.name, t.NEVER, found))
    types = TypeNames(checked, scope)
    for item in module.file.items:
        _declare(checked, module, scope, types, item)


def _declare(checked: Checked, module: Module, scope: Scope, types: TypeNames, item: tree.Item) -> None:
    match item:
        case tree.TypeDef():
            fields = tuple((field.name, types.resolve(field.type)) for field in item.fields)
            record = t.Record(item.name, fields, mapping=True)
            _twice(checked, [(field.name, field.span) for field in item.fields], "field")
            bind(checked, scope, item.name, item.span, Symbol("type", item.name, record, item))
        case tree.Const():
            before = checked.mistakes
            kind = Expressions(checked, Surroundings(module)).infer(item.value, scope)
            if item.value not in checked.constants and checked.mistakes == before:
                help = "a `const` is made of literals and other constants; inside a route, `let` binds any value"
                checked.report("E106", f"`{item.name}` is not known when the policy loads", item.value.span, help=help)
            bind(checked, scope, item.name, item.span, Symbol("const", item.name, kind, item))
        case tree.Fragment():
            checked.params[item] = _params(checked, module, scope, types, item.params)
            bind(checked, scope, item.name, item.span, Symbol("fragment", item.name, t.NEVER, (module, item)))
        case tree.Resource():
            bound = _resource(checked, module, scope, types, item)
            bind(checked, scope, item.name, item.span, Symbol("resource", item.name, t.ResourceType(item.kind), bound))


def _twice(checked: Checked, names: list[tuple[str, Span]], what: str) -> None:
    seen: dict[str, Span] = {}
    for name, span in names:
        if name in seen:
            checked.report("E006", f"the {what} `{name}` stands twice", span, related=((seen[name], "first here"),))
        seen[name] = span


def _params(
    checked: Checked, module: Module, scope: Scope, types: TypeNames, params: tuple[tree.Param, ...]
) -> dict[str, t.Type]:
    _twice(checked, [(param.name, param.span) for param in params], "parameter")
    found = {param.name: types.resolve(param.type) for param in params}
    expressions = Expressions(checked, Surroundings(module))
    for param in params:
        if param.default is not None:
            before = checked.mistakes
            expressions.want(param.default, scope, found[param.name], f"the default of `{param.name}`")
            if param.default not in checked.constants and checked.mistakes == before:
                checked.report("E106", "a default must be known when the policy loads", param.default.span)
    return found


def _resource(
    checked: Checked, module: Module, scope: Scope, types: TypeNames, item: tree.Resource
) -> BoundResource | None:
    spec = checked.vocabulary.resources.get(item.kind)
    inner = scope.child()
    checked.params[item] = _params(checked, module, scope, types, item.params)
    for param in item.params:
        if param.name not in inner.names:
            kind = checked.params[item][param.name]
            bind(checked, inner, param.name, param.span, Symbol("local", param.name, kind))
    if spec is None:
        guess = suggest(item.kind, list(checked.vocabulary.resources))
        help = (
            f"did you mean `{guess}`?"
            if guess
            else f"installed kinds: {', '.join(sorted(checked.vocabulary.resources))}"
        )
        checked.report("E801", f"no installed plugin knows the resource kind `{item.kind}`", item.kind_span, help=help)
        return None
    if item.params and not spec.takes_params:
        message, help = (
            f"a resource of kind `{item.kind}` takes no parameters",
            f"write `{item.kind} {item.name} {{ … }}`",
        )
        checked.report("E803", message, item.params[0].span, help=help)
    return BoundResource(module, item, spec, _attributes(checked, module, inner, item, spec))


def _attributes(
    checked: Checked, module: Module, scope: Scope, item: tree.Resource, spec: ResourceSpec
) -> dict[str, object]:
    _twice(checked, [(attr.name, attr.span) for attr in item.attrs], "attribute")
    expressions = Expressions(checked, Surroundings(module, apart=bool(item.params)))
    values: dict[str, object] = {}
    for attr in item.attrs:
        param = next((param for param in spec.params if param.name == attr.name), None)
        if param is None:
            names = [known.name for known in spec.params]
            guess = suggest(attr.name, names)
            help = f"did you mean `{guess}`?" if guess else f"it has: {', '.join(names)}"
            checked.report("E002", f"a resource of kind `{spec.kind}` has no `{attr.name}`", attr.name_span, help=help)
            expressions.infer(attr.value, scope)
            continue
        before = checked.mistakes
        expressions.want(attr.value, scope, param.type, f"`{attr.name}`")
        if attr.value in checked.constants:
            values[attr.name] = checked.constants[attr.value]
        elif not item.params and checked.mistakes == before:
            checked.report("E106", f"`{attr.name}` must be known when the policy loads", attr.value.span)
    for param in spec.params:
        if param.required and param.name not in {attr.name for attr in item.attrs}:
            first = spec.doc.partition("\n")[0]
            checked.report(
                "E005", f"`{item.name}` needs `{param.name}`", head_of(item),
                note=first, help=f"add `{param.name} = …` ({param.type})",
            )  # fmt: skip
    return values


def head_of(item: tree.Resource) -> Span:
    """`upstream orders`: the kind of a resource and its name."""
    kind = item.kind_span
    return kind._replace(end_column=kind.end_column + 1 + len(item.name))
