"""The table: which function makes the node of which rule of the grammar."""

from __future__ import annotations

from headgate.language.parse import build_expr as e
from headgate.language.parse import build_item as i
from headgate.language.parse import build_stmt as s
from headgate.language.parse.builder import Rule

RULES: dict[str, Rule] = {
    # expressions and types
    "hole": e.hole, "name": e.name, "word": e.word, "number": e.number_, "text": e.text, "grouped": e.grouped,
    "list": e.list_, "pair": e.pair, "object": e.object_, "unary": e.unary, "chain": e.chain, "not_in": e.not_in,
    "presence": e.presence, "attr": e.attr, "index": e.index, "call": e.call, "access": e.access, "kwarg": e.kwarg,
    "named_type": e.named_type, "typeargs": e.typeargs, "choice_type": e.choice_type, "bounds": e.bounds,
    "bound": e.bound,
    # statements
    "dotted": s.dotted, "bind": s.bind, "block": s.block, "arm": s.arm, "step": s.step, "args": s.args,
    "invoke": s.invoke, "use": s.use, "let_": s.let, "set_": s.set_, "remove": s.remove, "if_": s.if_,
    "match_": s.match_, "otherwise": s.otherwise, "case": s.case, "require": s.require, "respond": s.respond,
    "redirect": s.redirect, "give": s.give, "parallel": s.parallel, "on": s.on, "pattern": s.pattern,
    "finally_": s.finally_,
    # tests
    "tblock": s.block, "given": s.given, "send": s.send, "expect": s.expect, "after": s.after, "repeat": s.repeat,
    # items
    "edition": i.edition, "import_": i.import_, "const": i.const, "typedef": i.typedef, "field": i.field,
    "resource": i.resource, "fragment": i.fragment, "params": i.params, "param": i.param, "methods": i.methods,
    "route": i.route, "always": i.always, "test": i.test,
}  # fmt: skip
