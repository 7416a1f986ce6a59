"""The syntax tree: what the parser makes and the checker, the lowering, the formatter and the oracle read.

Rule: nodes are data. They know their span and nothing of types, facts or plugins; what the checker learns of a
node it keeps in tables of its own, by the node's identity (`eq=False`: each node is only equal to itself).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from headgate.language.source import Span


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    span: Span


# --- expressions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Expr(Node):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Expr):
    """A literal. `kind` is one of: int number text bool none duration size rate money percent statusclass; or
    wrong, where the parser has said so already.

    `value` is in the form of `contracts.values` (duration: float seconds, size: int bytes, rate: Rate,
    money: Money, percent: Decimal fraction kept exact, statusclass: StatusClass). `raw` is the text as written.
    """

    kind: str
    value: object
    raw: str


@dataclass(frozen=True, slots=True, eq=False)
class Interpolation(Expr):
    """`"a {x} b"` or a triple-quoted text: text and expressions in turn. A string without braces is a Literal."""

    parts: tuple[str | Expr, ...]
    triple: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Name(Expr):
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Attr(Expr):
    """`base.name`; `name_span` is the name alone."""

    base: Expr
    name: str
    name_span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Index(Expr):
    """`base[key]`."""

    base: Expr
    key: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Call(Expr):
    """`f(a, b=1)`; `function` is a Name or an Attr of Names."""

    function: Expr
    args: tuple[Expr, ...]
    named: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ListOf(Expr):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectOf(Expr):
    """`{a: 1, "b c": x}`, in the order written."""

    pairs: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Expr):
    """`-x` and `not x`; `op` is "-" or "not"."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Expr):
    """`op` is one of: + - * / % == != < <= > >= in "not in" matches and or ??  (`and`/`or` chains nest to the left)."""

    op: str
    left: Expr
    right: Expr
    op_span: Span


@dataclass(frozen=True, slots=True, eq=False)
class Presence(Expr):
    """`x is present` / `x is absent`."""

    operand: Expr
    present: bool


@dataclass(frozen=True, slots=True, eq=False)
class Grouped(Expr):
    """`( x )`: kept, because mixing `and` with `or` needs it and the formatter prints it."""

    inner: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Argument(Node):
    """`name=value`; `name_span` is the name alone."""

    name: str
    value: Expr
    name_span: Span


# --- types as written --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TypeExpr(Node):
    """One type as written. Exactly one of the forms:

    `name` with optional `arguments` (`list[text]`) and bounds (`text(1..4000)`, bounds are Literals or None);
    or `choices`, a union of texts (`"a" | "b"`). `optional` is the trailing `?`.
    """

    name: str | None = None
    arguments: tuple[TypeExpr, ...] = ()
    low: Literal | None = None
    high: Literal | None = None
    bounded: bool = False
    choices: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FieldDef(Node):
    name: str
    type: TypeExpr
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Param(Node):
    name: str
    type: TypeExpr
    default: Expr | None = None


# --- statements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Stmt(Node):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Block(Node):
    statements: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Step(Stmt):
    """`[shadow|optional] step.name [value] key=value … [{ block }] [as name]`; `forward` and `retry` too.

    `args` holds the unnamed values (a step takes one at most; the checker says so). `name_span` is the dotted
    name alone. In a block, `Arm` statements are alternatives (`95% { … }`, or `{ … }` alone).
    """

    name: str
    name_span: Span
    args: tuple[Expr, ...]
    named: tuple[Argument, ...]
    block: Block | None = None
    bind: Bind | None = None
    shadow: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Bind(Node):
    """The `name` of `as name`."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Arm(Stmt):
    """One alternative in a `split` or `fallback`; `share` is a percent Literal, or None for a bare `{ }`."""

    share: Literal | None
    block: Block


@dataclass(frozen=True, slots=True, eq=False)
class Use(Stmt):
    """`use edge.standard(body=256KB) as x`; `fragment` is dotted."""

    fragment: str
    fragment_span: Span
    args: tuple[Expr, ...]
    named: tuple[Argument, ...]
    bind: Bind | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Let(Stmt):
    bind: Bind
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Set(Stmt):
    """`set place = value`; `place` is Attr or Index, e.g. request.header["x"], request.path, m.text."""

    place: Expr
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Remove(Stmt):
    place: Expr


@dataclass(frozen=True, slots=True, eq=False)
class If(Stmt):
    """`if a { } else if b { } else { }`."""

    branches: tuple[tuple[Expr, Block], ...]
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Match(Stmt):
    """`match x { "a", "b" { } else { } }`: the first case with an equal value runs."""

    subject: Expr
    cases: tuple[Case, ...]
    otherwise: Block | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Case(Node):
    values: tuple[Expr, ...]
    block: Block


@dataclass(frozen=True, slots=True, eq=False)
class Require(Stmt):
    """`require condition else 403 "why"`."""

    condition: Expr
    status: Literal
    why: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Respond(Stmt):
    """`respond 429 json=… retry_after=…`; `status` is an expression."""

    status: Expr
    named: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Redirect(Stmt):
    """`redirect "https://…" status=308`."""

    location: Expr
    named: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Give(Stmt):
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Parallel(Stmt):
    """`parallel { call a … as x  call b … as y }`: its lines run at once; the names they bind hold below it."""

    block: Block


@dataclass(frozen=True, slots=True, eq=False)
class On(Stmt):
    """`on limit.exceeded, upstream.* { … }`."""

    patterns: tuple[Pattern, ...]
    block: Block


@dataclass(frozen=True, slots=True, eq=False)
class Pattern(Node):
    """A kind of failure, or with `wild` every kind below it: `upstream.*` is Pattern("upstream", wild=True)."""

    kind: str
    wild: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Finally(Stmt):
    block: Block


# --- tests in the file -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Given(Stmt):
    """`given auth.jwt = {…}`, `given orders_v1 = reply(200)`, `given client.ip = "…"`, `given split = 95%`."""

    target: str
    target_span: Span
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Send(Stmt):
    """`send GET /orders/7?x=1 json={…} headers={…}`; `target` is the path with query as written."""

    method: str
    target: str
    named: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Expect(Stmt):
    condition: Expr


@dataclass(frozen=True, slots=True, eq=False)
class After(Stmt):
    duration: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Repeat(Stmt):
    times: Literal
    block: Block


# --- items -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Item(Node):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class Import(Item):
    """`import "shared/edge.policy" as edge`; the path is relative to the importing file."""

    path: str
    path_span: Span
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Const(Item):
    name: str
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Resource(Item):
    """`upstream orders { url = "…" }`, `prompt classify(message: text) { … }`; kinds come from plugins."""

    kind: str
    kind_span: Span
    name: str
    params: tuple[Param, ...]
    attrs: tuple[Argument, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TypeDef(Item):
    name: str
    fields: tuple[FieldDef, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Fragment(Item):
    name: str
    params: tuple[Param, ...]
    body: Block
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PathSegment(Node):
    """One segment: literal text, or a parameter `{name:type}`; `rest` is `{name:path}`, taking all that is left."""

    text: str = ""
    param: str | None = None
    type: str = "text"
    rest: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PathPattern(Node):
    """`/orders/{id:int}`. `raw` is as written; a final `/` is a last literal segment of empty text."""

    raw: str
    segments: tuple[PathSegment, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Route(Item):
    name: str
    name_span: Span
    methods: tuple[str, ...]
    path: PathPattern
    options: tuple[Argument, ...]
    public: bool
    body: Block
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Always(Item):
    """A house rule: `always auth before upstream except route.public`, `never A after B`, `always A around B`."""

    never: bool
    subject: str
    relation: str
    object: str
    unless: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Test(Item):
    """`test "name" [with standard(body=1KB)] { … }`."""

    __test__ = False  # not a pytest class

    name: str
    name_span: Span
    fragment: Use | None
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Comment(Node):
    """`# …` or `## …`, text as written; the formatter puts it back, `##` is a description of the item below."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class File(Node):
    name: str
    edition: int
    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(default=())
    doc: str = ""
