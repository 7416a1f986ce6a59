"""House rules: `always A before B`, `never A after B`, `always A around B`, each with an `except` that routes may meet.

A and B are a fact (`auth`), an effect (`upstream`), a step (`limit.rate`) or its family (`limit`). A rule holds for the
routes of its file and of every file that imports it, however far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headgate.language import tree
from headgate.language.check.modules import Module
from headgate.language.check.result import Checked
from headgate.language.check.state import State
from headgate.language.suggest import suggest
from headgate.language.vocabulary import EFFECTS, StepSpec


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as it is written."""

    node: tree.Always

    @property
    def text(self) -> str:
        node = self.node
        return f"{'never' if node.never else 'always'} {node.subject} {node.relation} {node.object}"

    @property
    def says_e501(self) -> bool:
        """Whether the rule is what E501 says of every route already."""
        return (self.node.never, self.node.subject, self.node.relation, self.node.object) == (
            False, "auth", "before", "upstream",
        )  # fmt: skip

    def excepts(self, route: tree.Route) -> bool:
        """Whether the rule leaves this route alone."""
        return self.node.unless is not None and bool(_value(self.node.unless, route))

    def broken_at(self, spec: StepSpec, state: State, inside: Sequence[str]) -> str:
        """Why this step may not stand here by this rule; empty where it may."""
        node = self.node
        if not node.never and names(node.object, spec):
            if node.relation == "before" and not _holds(node.subject, state.facts):
                return f"`{node.subject}` does not come before it on every path"
            if node.relation == "around" and not any(_is_called(node.subject, name) for name in inside):
                return f"it stands in no `{node.subject}` block"
        if (
            not node.never
            and node.relation == "after"
            and names(node.subject, spec)
            and not _holds(node.object, state.facts)
        ):
            return f"`{node.object}` does not come before it on every path"
        return self._never(spec, state, inside) if node.never else ""

    def _never(self, spec: StepSpec, state: State, inside: Sequence[str]) -> str:
        node = self.node
        if node.relation == "after" and names(node.subject, spec) and _holds(node.object, state.seen | state.facts):
            return f"`{node.object}` can come before it"
        if node.relation == "before" and names(node.object, spec) and _holds(node.subject, state.seen | state.facts):
            return f"`{node.subject}` can come before it"
        if node.relation == "around" and names(node.object, spec) and any(_is_called(node.subject, n) for n in inside):
            return f"it stands in a `{node.subject}` block"
        return ""


def rules_of(checked: Checked, module: Module) -> list[Rule]:
    """The rules that hold in a file: its own and those of all that it imports. Unknown names are findings."""
    found: list[Rule] = []
    reached: list[Module] = []
    todo = [module]
    while todo:
        current = todo.pop()
        if current not in reached:
            reached.append(current)
            todo += current.imports.values()
            found += [Rule(item) for item in current.file.items if isinstance(item, tree.Always)]
    return [rule for rule in found if _usable(checked, rule, say=rule.node in module.file.items)]


def _usable(checked: Checked, rule: Rule, *, say: bool) -> bool:
    """Whether a rule says something; where it does not, a finding in its own file does."""
    known = _words(checked)
    unknown = [name for name in (rule.node.subject, rule.node.object) if name not in known]
    for name in unknown if say else ():
        guess = suggest(name, known)
        checked.report(
            "E505", f"`{name}` is no fact, effect or step", rule.node.span,
            help=f"did you mean `{guess}`?" if guess else "a rule names what steps give, do or are",
        )  # fmt: skip
    unless = rule.node.unless
    decided = unless is None or isinstance(_value(unless, None), bool)
    if unless is not None and not decided and say:
        checked.report(
            "E506", "an exception is a condition that is decided when the policy loads", unless.span,
            help='it may ask for route.public, route.name and route.api, e.g. `route.name == "health"`',
        )  # fmt: skip
    return not unknown and decided


def _words(checked: Checked) -> set[str]:
    """Every word that a rule may name."""
    steps = checked.vocabulary.steps
    families = (name.partition(".")[0] for name in steps)
    return {*EFFECTS, *steps, *families, *(fact for spec in steps.values() for fact in spec.gives)}


def names(name: str, spec: StepSpec) -> bool:
    """Whether a rule's word means this step."""
    return name == spec.effect or name in spec.gives or _is_called(name, spec.name)


def _is_called(name: str, step: str) -> bool:
    return step == name or step.startswith(f"{name}.")


def _holds(name: str, facts: frozenset[str]) -> bool:
    return name in facts or f"step:{name}" in facts


def _value(expr: tree.Expr, route: tree.Route | None) -> object:
    """What an exception comes to for a route; None where it asks for more than a route's own line."""
    match expr:
        case tree.Grouped(inner=inner):
            return _value(inner, route)
        case tree.Literal(kind="text" | "bool", value=value):
            return value
        case tree.Attr(base=tree.Name(name="route"), name=("public" | "name" | "api") as name):
            return _of_route(route, name)
        case tree.Unary(op="not", operand=operand):
            value = _value(operand, route)
            return not value if isinstance(value, bool) else None
        case tree.Binary(op=("in" | "not in") as op, left=left, right=tree.ListOf(items=items)):
            one, several = _value(left, route), [_value(item, route) for item in items]
            return None if one is None or None in several else (one in several) == (op == "in")
        case tree.Binary(op=("==" | "!=" | "and" | "or") as op, left=left, right=right):
            return _binary(op, _value(left, route), _value(right, route))
    return None


def _of_route(route: tree.Route | None, name: str) -> object:
    if name == "public":
        return route is not None and route.public
    if route is None or name == "name":
        return route.name if route is not None else ""
    api = next((option.value for option in route.options if option.name == "api"), None)
    return api.value if isinstance(api, tree.Literal) else ""


def _binary(op: str, left: object, right: object) -> object:
    if (
        left is None
        or right is None
        or (op in ("and", "or") and not (isinstance(left, bool) and isinstance(right, bool)))
    ):
        return None
    results = {"==": left == right, "!=": left != right, "and": bool(left and right), "or": bool(left or right)}
    return results[op]
