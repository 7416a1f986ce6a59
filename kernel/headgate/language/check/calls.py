"""Step lines: the step, its arguments in their places, its block, and what it binds."""

from __future__ import annotations

from decimal import Decimal

from headgate.language import tree
from headgate.language import types as t
from headgate.language.check.expressions import Expressions
from headgate.language.check.result import BoundStep, BoundUse, Checked
from headgate.language.check.scope import Scope
from headgate.language.check.wording import a_type, example
from headgate.language.shapes import Shape
from headgate.language.source import Span
from headgate.language.suggest import suggest
from headgate.language.vocabulary import BlockSpec, ParamSpec, StepSpec

TEST_WORDS = frozenset({"given", "send", "expect", "after", "repeat"})
_TEST_HELP = 'a test is an item of its own: `test "…" { … }`'


def bind_step(checked: Checked, expressions: Expressions, step: tree.Step, scope: Scope) -> BoundStep | None:
    """Find the step and put its arguments in their places; None, with a finding, where there is no such step."""
    spec = checked.vocabulary.steps.get(step.name)
    if spec is None:
        if step.name in TEST_WORDS:
            checked.report("E012", f"`{step.name}` stands in a test", step.name_span, help=_TEST_HELP)
        else:
            _unknown_step(checked, step)
        _silently(checked, expressions, (*step.args, *(arg.value for arg in step.named)), scope)
        return None
    _modifiers(checked, step, spec)
    unnamed = _unnamed(checked, expressions, step, spec, scope)
    args = named_arguments(checked, expressions, step.name, spec.params, step.named, scope, step.name_span)
    bound = checked.steps[step] = BoundStep(spec, unnamed, args)
    _shape(checked, step, spec.block)
    return bound


def _silently(checked: Checked, expressions: Expressions, values: tuple[tree.Expr, ...], scope: Scope) -> None:
    """Type what stands where nothing is known of the place: what seems wrong with it may be right."""
    findings, mistakes = len(checked.findings), checked.mistakes
    for value in values:
        expressions.infer(value, scope)
    del checked.findings[findings:]
    checked.mistakes = mistakes


def _unknown_step(checked: Checked, step: tree.Step) -> None:
    known = list(checked.vocabulary.steps)
    guess = suggest(step.name, known)
    family = step.name.partition(".")[0]
    alike = sorted(name for name in known if name.partition(".")[0] == family)
    helps = [f"did you mean `{guess}`?"] if guess else []
    if alike and not guess:
        helps.append(f"installed under `{family}`: {', '.join(alike)}")
    helps.append("`headgate steps` lists every step of the installed plugins")
    broken = {} if guess or checked.blamed else checked.vocabulary.broken
    checked.blamed = checked.blamed or bool(broken)
    notes = tuple(f"the plugin `{name}` did not load: {why}" for name, why in broken.items())
    message = f"no installed plugin has the step `{step.name}`"
    checked.report("E004", message, step.name_span, notes=notes, helps=tuple(helps))


def _modifiers(checked: Checked, step: tree.Step, spec: StepSpec) -> None:
    if step.shadow and not spec.shadow:
        able = sorted(name for name, known in checked.vocabulary.steps.items() if known.shadow)
        checked.report(
            "E008", f"`{step.name}` cannot be shadowed", step.name_span,
            note="a step under `shadow` is computed and recorded, and decides nothing", help=f"those that can: {', '.join(able)}",
        )  # fmt: skip
    if step.optional and not spec.observes:
        checked.report(
            "E009",
            f"`{step.name}` may not be optional",
            step.name_span,
            note="its failure would be a pass; only steps that merely observe may fail unheard",
            help=f"those that may: {', '.join(sorted(n for n, known in checked.vocabulary.steps.items() if known.observes))}",
        )


def _unnamed(
    checked: Checked, expressions: Expressions, step: tree.Step, spec: StepSpec, scope: Scope
) -> tree.Expr | None:
    if spec.unnamed is None or len(step.args) > 1:
        for extra in step.args[0 if spec.unnamed is None else 1 :]:
            takes = "no value without a name" if spec.unnamed is None else "one value without a name"
            checked.report("E002", f"`{step.name}` takes {takes}", extra.span)
            expressions.infer(extra, scope)
        return None
    if not step.args:
        if spec.unnamed.required:
            what = f"`{spec.unnamed.name}`, {a_type(spec.unnamed.type)}"
            help = f"it stands behind the name: `{step.name} {example(spec.unnamed.type)}`"
            checked.report("E005", f"`{step.name}` needs a value: {what}", step.name_span, help=help)
        return None
    argument(checked, expressions, step.name, spec.unnamed, step.args[0], scope)
    return step.args[0]


def named_arguments(
    checked: Checked, expressions: Expressions, owner: str, params: tuple[ParamSpec, ...],
    named: tuple[tree.Argument, ...], scope: Scope, where: Span,
) -> dict[str, tree.Expr]:  # fmt: skip
    """Arguments by parameter, each checked; unknown, doubled and missing ones are findings."""
    found: dict[str, tree.Expr] = {}
    guessed: set[str | None] = set()
    for arg in named:
        param = next((param for param in params if param.name == arg.name), None)
        if param is None:
            names = [param.name for param in params]
            guess = suggest(arg.name, names)
            guessed.add(guess)
            help = f"did you mean `{guess}`?" if guess else f"it takes: {', '.join(names) or 'no named values'}"
            checked.report("E002", f"`{owner}` takes no `{arg.name}`", arg.name_span, help=help)
            expressions.infer(arg.value, scope)
        elif arg.name in found:
            first = next(one.name_span for one in named if one.name == arg.name)
            checked.report(
                "E007", f"`{arg.name}` is given twice", arg.name_span, related=((first, "first here"),)
            )  # fmt: skip
        else:
            argument(checked, expressions, owner, param, arg.value, scope)
            found[arg.name] = arg.value
    for param in params:
        given = param.name in found or param.name in guessed or any(arg.name == param.name for arg in named)
        if param.required and not given:
            checked.report(
                "E005", f"`{owner}` needs `{param.name}`", where, help=f"add `{param.name}=…` ({param.type})"
            )
    return found


def argument(
    checked: Checked, expressions: Expressions, owner: str, param: ParamSpec, value: tree.Expr, scope: Scope
) -> None:
    """One argument against its parameter: type, bounds, and whether it is known early enough."""
    if t.strip(param.type) == t.TYPE_NAME:
        _type_name(checked, value, scope)
        return
    before = checked.mistakes
    kind = expressions.want(value, scope, param.type, f"`{param.name}` of `{owner}`")
    if param.path:
        expressions.written_here(value)
    known = value in checked.constants or (not isinstance(value, tree.Call) and t.of_resources(kind)) or kind == t.NEVER
    if param.const and not known and checked.mistakes == before:
        checked.report(
            "E106", f"`{param.name}` of `{owner}` must be known when the policy loads", value.span,
            help="use a literal or a `const`",
        )  # fmt: skip


def _type_name(checked: Checked, value: tree.Expr, scope: Scope) -> None:
    symbol = scope.find(value.name) if isinstance(value, tree.Name) else None
    if isinstance(value, tree.Attr) and isinstance(value.base, tree.Name):
        module = scope.find(value.base.name)
        symbol = checked.exports[module.ref.name].find(value.name) if module and module.kind == "module" else None
    if symbol is None or symbol.kind != "type":
        head = value.base if isinstance(value, tree.Attr) else value
        of = scope.find(head.name) if isinstance(head, tree.Name) else None
        lost = isinstance(head, tree.Name) and checked.is_lost(value.span.file, head.name)
        if (of is None or of.kind != "broken") and not lost:
            types = [name for name in scope.all_names() if (s := scope.find(name)) is not None and s.kind == "type"]
            guess = suggest(value.name, types) if isinstance(value, tree.Name) else None
            help = f"did you mean `{guess}`?" if guess else "declare it above the route: `type Message { text: text }`"
            checked.report("E112", "this must be the name of a `type`", value.span, help=help)
        return
    if not t.is_json(symbol.type):
        where = next((name for name, kind in symbol.type.fields if not t.is_json(kind)), "")  # type: ignore[attr-defined]
        what = f"`{where}` of `{symbol.name}` has no JSON form, so nothing can be read as `{symbol.name}`"
        checked.report(
            "E112", what, value.span, help="text, numbers, bool, json, lists, maps and other `type`s have one"
        )
    checked.types[value] = symbol.type
    checked.symbols[value] = symbol
    checked.constants[value] = Shape(symbol.type)  # type: ignore[arg-type]


def _shape(checked: Checked, step: tree.Step, shape: BlockSpec | None) -> None:
    if shape is None:
        if step.block is not None:
            brace = step.block.span
            checked.report(
                "E010", f"`{step.name}` takes no block", brace._replace(end_line=brace.line, end_column=brace.column + 1),
                help="the lines inside stand below it, without the braces",
            )  # fmt: skip
        return
    if step.block is None:
        help = f"put the lines that it wraps in braces: `{step.name} … {{ … }}`"
        checked.report("E010", f"`{step.name}` needs a block", step.name_span, help=help)
        return
    for line in step.block.statements:
        if shape.shape != "body" and isinstance(line, (tree.On, tree.Finally)):
            checked.report(
                "E017", f"`{step.name}` holds alternatives, not lines, so no handler stands at its end", line.span,
                help="put it at the end of an arm `{ … }`, or of what is around the block",
            )  # fmt: skip
            continue
        shared = isinstance(line, tree.Arm) and line.share is not None
        if shape.shape == "shares" and not shared and not isinstance(line, tree.On):
            if not checked.is_damaged(line):
                message = f"the alternatives of `{step.name}` have shares"
                checked.report("E010", message, line.span, help="write `95% { … }` and `5% { … }`")
                break
        elif shape.shape == "arms" and shared:
            checked.report("E010", f"the alternatives of `{step.name}` have no shares", line.span, help="write `{ … }`")
    if shape.shape != "body" and not step.block.statements and not checked.is_damaged(step):
        arms = "95% { … }" if shape.shape == "shares" else "{ … }"
        checked.report("E010", f"`{step.name}` has no alternatives", step.name_span, help=f"each is written `{arms}`")
    if shape.shape == "shares":
        _shares(checked, step)


def _shares(checked: Checked, step: tree.Step) -> None:
    assert step.block is not None
    arms = [line for line in step.block.statements if isinstance(line, tree.Arm) and line.share is not None]
    total = sum((Decimal(str(arm.share.value)) for arm in arms if arm.share), Decimal(0))
    if arms and total != 1 and not checked.is_damaged(step):
        checked.report(
            "E104", f"the shares sum to {(total * 100).normalize():f}%, not to 100%", step.name_span,
            related=tuple((arm.share.span, f"{arm.share.raw} here") for arm in arms if arm.share),
        )  # fmt: skip


def bind_use(checked: Checked, expressions: Expressions, use: tree.Use, scope: Scope) -> BoundUse | None:
    """Find the fragment of a `use` and put its arguments in their places."""
    head, _, rest = use.fragment.partition(".")
    symbol = scope.find(head)
    lost = checked.is_lost(use.span.file, head)
    if rest and symbol is not None and symbol.kind == "module":
        lost = lost or checked.is_lost(symbol.ref.name, rest)
    if (symbol is not None and symbol.kind == "broken") or (lost and (rest or symbol is None)):
        _silently(checked, expressions, (*use.args, *(arg.value for arg in use.named)), scope)
        return None
    if rest and symbol is not None and symbol.kind == "module":
        exports = checked.exports[symbol.ref.name]
        symbol, names = exports.find(rest), [name for name, found in exports.names.items() if found.kind == "fragment"]
    else:
        names = [name for name in scope.all_names() if (s := scope.find(name)) is not None and s.kind == "fragment"]
    if symbol is None or symbol.kind != "fragment":
        guess = suggest(rest or head, names)
        prefix = f"{head}." if rest else ""
        help = f"did you mean `{prefix}{guess}`?" if guess else "a fragment is declared with `fragment NAME(…) { … }`"
        checked.report("E603", f"there is no fragment `{use.fragment}`", use.fragment_span, help=help)
        _silently(checked, expressions, (*use.args, *(arg.value for arg in use.named)), scope)
        return None
    module, fragment = symbol.ref
    kinds = checked.params[fragment]
    params = tuple(ParamSpec(param.name, kinds[param.name], param.default is None) for param in fragment.params)
    placed = dict(zip((param.name for param in fragment.params), use.args, strict=False))
    for name, value in placed.items():
        expressions.want(value, scope, kinds[name], f"`{name}` of `{use.fragment}`")
    if len(use.args) > len(params):
        checked.report("E002", f"`{use.fragment}` takes {len(params)} values", use.span)
    rest_params = tuple(param for param in params if param.name not in placed)
    found = named_arguments(checked, expressions, use.fragment, rest_params, use.named, scope, use.fragment_span)
    bound = checked.uses[use] = BoundUse(fragment, module, {**placed, **found})
    return bound
