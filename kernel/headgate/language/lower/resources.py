"""Resources with parameters: `classify(message=m.text)` fills the texts in, and gives a resource of its kind.

A resource becomes one function for all that call it, `fill_classify`: its attributes are the body, its parameters the
names in them. The builder of the kind is called with every attribute as a value, as it is for a resource without
parameters; only that it is called for each call.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headgate.language.check.result import BoundCall, BoundResource
from headgate.language.lower import nodes

if TYPE_CHECKING:
    from headgate.language.lower.expressions import Expressions


def lower_resource_call(expressions: Expressions, bound: BoundCall) -> ast.expr:
    """The call; a parameter that was not given has its default."""
    args: dict[str, ast.expr] = {}
    for param in bound.resource.node.params:
        given = bound.args.get(param.name, param.default)
        assert given is not None
        args[f"v_{param.name}"] = expressions.lower(given)
    return nodes.call(_filler(expressions, bound.resource), **args)


def _filler(expressions: Expressions, bound: BoundResource) -> str:
    """The name of the function that fills a resource in, made where it is wanted first."""
    pool = expressions.pool
    known = pool.fillers.get(bound.node)
    if known is not None:
        return known
    name = pool.fillers[bound.node] = pool.fresh(f"fill_{bound.node.name}_")
    attrs = {attr.name: expressions.lower(attr.value) for attr in bound.node.attrs}
    body: list[ast.stmt] = [nodes.returns(nodes.call(pool.resource(bound), **attrs))]
    params = [f"v_{param.name}" for param in bound.node.params]
    made = nodes.place(nodes.function(name, params, body, waits=False), bound.node.span)
    pool.functions.append((bound.node.span.file, made))
    return name
