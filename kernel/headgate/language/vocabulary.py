"""What plugins declare: steps, blocks, resources and functions, read off their Python signatures.

1. A step is a function `(ctx: Exchange, value, /, *, key=…) -> record`. The positional-only parameter is its one
   unnamed value; keyword-only ones are its arguments; `site: Site` asks for the line's own record.
2. A block takes the lines in its braces too: `run: Run` (one body), or `arms: Arms` (alternatives).
3. A `def` is called, an `async def` awaited. `fast=` is a `def` with the same parameters that may return `SLOW`:
   then the step itself is awaited.
4. Nothing here knows how plugins are found. A `Vocabulary` is the sum of what the host collected.
"""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_type_hints

from headgate.contracts.ai import Speaks
from headgate.contracts.dialect import Dialect
from headgate.contracts.kinds import KINDS, Kind
from headgate.contracts.meters import Around
from headgate.language import types as t
from headgate.language.annotations import Unfit, is_const, is_path, type_of

Run = Callable[..., Awaitable[Any]]
DialectOf = Callable[[str, Mapping[str, Any], Mapping[str, Speaks]], Dialect | None]
"""Chooses a dialect by a route's path, a line's constants, and the dialects that are installed."""
Doubts = Callable[..., Iterable[Sequence[str]]]
"""What keeps a line or a resource from doing its work on a node: `doubts(facts, **constants)` for a step, `doubts(facts, name,
**attributes)` for a resource, with `NodeFacts`. Each is what is wrong, and then what helps."""
F = TypeVar("F", bound=Callable[..., Any])

SLOW: Final = object()
"""What a fast half returns when the step has to wait after all."""

HEAD: Final = "head"
CLOSE: Final = "close"
BEFORE_RESPONSE: Final = "before the response"
AFTER_RESPONSE: Final = "after the response"
EFFECTS: Final = ("pure", "reads", "store", "upstream", "random", "time")


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One alternative of a block: its body, and its share (1.0 is all) where it was written with one."""

    run: Run
    share: float | None
    label: str


Arms = Sequence[ArmRun]


class Site:
    """One line that calls a step. `prepared` is what the step's `prepare` made of its constants.

    `key` survives edits of the policy: route, step and its number among the route's lines of that step;
    a shadowed line has a key of its own, so it runs on buckets of its own. `within` are the blocks around
    the line, outermost first, those around the `use` of its fragment included. `websocket`: its route takes WebSockets.
    """

    __slots__ = ("file", "key", "line", "prepared", "route", "shadow", "step", "websocket", "within")

    def __init__(
        self,
        route: str,
        step: str,
        number: int,
        file: str,
        line: int,
        *,
        shadow: bool = False,
        within: tuple[Around, ...] = (),
        websocket: bool = False,
    ) -> None:
        self.route = route
        self.step = step
        self.file = file
        self.line = line
        self.shadow = shadow
        self.within = within
        self.websocket = websocket
        self.key = f"{route}/{step}" + (f"#{number}" if number else "") + ("/shadow" if shadow else "")
        self.prepared: Any = None

    def __repr__(self) -> str:
        return f"<Site {self.key} {self.file}:{self.line}>"

    def fresh(self) -> Site:
        """The same line, not prepared yet: each Snapshot prepares its own."""
        twin = object.__new__(Site)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.prepared = None
        return twin


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """A parameter: its type, whether it must be given, whether it must be known when the policy loads.

    `path`: it takes a path, so values interpolated into it stay within their segments.
    """

    name: str
    type: t.Type
    required: bool
    default: Any = None
    const: bool = False
    path: bool = False

    def __str__(self) -> str:
        tail = "" if self.required else f" = {self.default!r}"
        return f"{self.name}: {self.type}{tail}"


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """`shape`: "body", "arms" (alternatives) or "shares" (`95% { }`). `runs`: "once", "maybe" or "many".

    `keeps_facts`: it gives what its body gives even where the body did not run (`cache`).
    """

    shape: str
    runs: str = "once"
    keeps_facts: bool = False


@dataclass(frozen=True, slots=True)
class StepSpec:
    """All that checker, compiler, docs and completion know of a step."""

    name: str
    call: Callable[..., Any]
    doc: str
    unnamed: ParamSpec | None
    params: tuple[ParamSpec, ...]
    returns: t.Type | None
    is_async: bool
    returns_type_of: str | None = None
    plugin: str = ""
    gives: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    effect: str = "pure"
    phase: str | None = None
    after: str | None = None
    hinge: bool = False
    shadow: bool = False
    observes: bool = False
    dialect: Dialect | DialectOf | None = None
    preflight: bool = False
    site: str | None = None
    fast: Callable[..., Any] | None = None
    prepare: Callable[..., Any] | None = None
    doubts: Doubts | None = None
    block: BlockSpec | None = None
    run_param: str | None = None

    def param(self, name: str) -> ParamSpec | None:
        return next((param for param in self.params if param.name == name), None)


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A kind of resource: what stands in its braces, and the function that builds it when a Snapshot is made.

    `build(context, **attributes)`; with `takes_params` the resource may declare parameters (`prompt classify(…)`), and
    one that does is built anew at each call, with the attributes filled in.
    """

    kind: str
    build: Callable[..., Any]
    doc: str
    params: tuple[ParamSpec, ...]
    plugin: str = ""
    takes_params: bool = False
    doubts: Doubts | None = None


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A pure function that expressions may call."""

    name: str
    call: Callable[..., Any]
    doc: str
    params: tuple[ParamSpec, ...]
    returns: t.Type
    positional: int
    plugin: str = ""


@dataclass(slots=True)
class Vocabulary:
    """Everything that policies may name, from the kernel and from every plugin that loaded.

    `broken` are the plugins that did not load, and why: a missing step is often in one of them.
    """

    steps: dict[str, StepSpec] = field(default_factory=dict)
    resources: dict[str, ResourceSpec] = field(default_factory=dict)
    functions: dict[str, FunctionSpec] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=lambda: dict(KINDS))
    dialects: dict[str, Speaks] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Vocabulary {len(self.steps)} steps, {len(self.resources)} resources, {len(self.functions)} functions>"


class Misdeclared(Exception):
    """A declaration that does not hold: the message names the function and what is wrong with it."""


def step(
    name: str,
    *,
    gives: str | tuple[str, ...] = (),
    needs: str | tuple[str, ...] = (),
    raises: tuple[str, ...] = (),
    effect: str = "pure",
    phase: str | None = None,
    after: str | None = None,
    hinge: bool = False,
    shadow: bool = False,
    observes: bool = False,
    dialect: Dialect | DialectOf | None = None,
    preflight: bool = False,
    fast: Callable[..., Any] | None = None,
    prepare: Callable[..., Any] | None = None,
    doubts: Doubts | None = None,
    returns_type_of: str | None = None,
) -> Callable[[F], F]:
    """Declare a step. The function stays as it is; what was said is kept beside it for the host to collect.

    `dialect`: a route with this step answers errors in that shape; a function of the route's path and of the line's
    constants says it for each route. `preflight`: a route with this step also gets the CORS preflights (OPTIONS) for its
    path, and the step answers them. `returns_type_of`: what `as` binds is of the type that this parameter (a `TypeRef`)
    names; where the line names none, it is what the function returns. `doubts` tells what keeps it from its work on a node.
    """
    said = dict(
        gives=_words(gives),
        needs=_words(needs),
        raises=raises,
        effect=effect,
        phase=phase,
        after=after,
        hinge=hinge,
        shadow=shadow,
        observes=observes,
        dialect=dialect,
        preflight=preflight,
        fast=fast,
        prepare=prepare,
        doubts=doubts,
        returns_type_of=returns_type_of,
    )
    return _declare("step", name, said)


def block(
    name: str,
    *,
    runs: str = "once",
    keeps_facts: bool = False,
    gives: str | tuple[str, ...] = (),
    needs: str | tuple[str, ...] = (),
    raises: tuple[str, ...] = (),
    effect: str = "pure",
    after: str | None = None,
    shares: bool = False,
    prepare: Callable[..., Any] | None = None,
) -> Callable[[F], F]:
    """Declare a block: a step whose function takes `run: Run`, or `arms: Arms` for alternatives."""
    said = dict(
        gives=_words(gives),
        needs=_words(needs),
        raises=raises,
        effect=effect,
        after=after,
        prepare=prepare,
        block=BlockSpec("shares" if shares else "body", runs, keeps_facts),
    )
    return _declare("step", name, said)


def resource(kind: str, *, takes_params: bool = False, doubts: Doubts | None = None) -> Callable[[F], F]:
    """Declare a kind of resource by the function that builds one."""
    return _declare("resource", kind, {"takes_params": takes_params, "doubts": doubts})


def function(name: str) -> Callable[[F], F]:
    """Declare a pure function for expressions."""
    return _declare("function", name, {})


def _declare(what: str, name: str, said: dict[str, Any]) -> Callable[[F], F]:
    def mark(call: F) -> F:
        call.__headgate__ = (what, name, said)  # type: ignore[attr-defined]
        return call

    return mark


def _words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def declared(call: Callable[..., Any], what: str) -> tuple[str, dict[str, Any]]:
    """The name and the words of a declaration; Misdeclared where the object carries none of that sort."""
    mark = getattr(call, "__headgate__", None)
    if mark is None or mark[0] != what:
        raise Misdeclared(f"{_where(call)} is not declared with @{what}")
    return mark[1], mark[2]


def read_step(call: Callable[..., Any], plugin: str) -> StepSpec:
    """The full record of a declared step, from its decorator and its signature. Misdeclared names what is wrong."""
    name, said = declared(call, "step")
    if said["effect"] not in EFFECTS:
        raise Misdeclared(f"{_where(call)}: effect {said['effect']!r} is none of {', '.join(EFFECTS)}")
    params = list(_signature(call))
    if not params or params[0].kind not in (params[0].POSITIONAL_ONLY, params[0].POSITIONAL_OR_KEYWORD):
        raise Misdeclared(f"{_where(call)} takes no exchange as its first parameter")
    hints = _hints(call)
    unnamed: list[ParamSpec] = []
    named: list[ParamSpec] = []
    site = run_param = None
    shape = said.get("block")
    for param in params[1:]:
        annotation = hints.get(param.name)
        if annotation is Site:
            site = param.name
        elif annotation in (Run, Arms):
            run_param = param.name
            if shape is not None and annotation == Arms and shape.shape == "body":
                shape = BlockSpec("arms", shape.runs, shape.keeps_facts)
        elif param.kind is param.POSITIONAL_ONLY:
            unnamed.append(_param(call, param, annotation))
        elif param.kind is param.KEYWORD_ONLY:
            named.append(_param(call, param, annotation))
        else:
            raise Misdeclared(f"{_where(call)}: `{param.name}` must be positional-only (the one value) or keyword-only")
    if len(unnamed) > 1:
        raise Misdeclared(f"{_where(call)} has {len(unnamed)} unnamed values; a step takes one at most")
    if (shape is None) != (run_param is None):
        raise Misdeclared(f"{_where(call)}: a @block takes `run: Run` or `arms: Arms`, a @step neither")
    words = {key: value for key, value in said.items() if key != "block"}
    _check_type_of(call, words.get("returns_type_of"), [*unnamed, *named])
    return StepSpec(
        name=name,
        call=call,
        doc=inspect.getdoc(call) or "",
        unnamed=unnamed[0] if unnamed else None,
        params=tuple(named),
        returns=_returns(call, hints),
        is_async=inspect.iscoroutinefunction(call),
        plugin=plugin,
        site=site,
        block=shape,
        run_param=run_param,
        **words,
    )


def _check_type_of(call: Callable[..., Any], of: str | None, params: Sequence[ParamSpec]) -> None:
    if of is not None and not any(param.name == of and t.strip(param.type) == t.TYPE_NAME for param in params):
        raise Misdeclared(f"{_where(call)}: returns_type_of={of!r} names no parameter that is a TypeRef")


def read_resource(call: Callable[..., Any], plugin: str) -> ResourceSpec:
    """The record of a declared kind of resource."""
    kind, said = declared(call, "resource")
    params = [_param(call, param, _hints(call).get(param.name)) for param in list(_signature(call))[1:]]
    return ResourceSpec(kind, call, inspect.getdoc(call) or "", tuple(params), plugin, **said)


def read_function(call: Callable[..., Any], plugin: str) -> FunctionSpec:
    """The record of a declared function."""
    name, _ = declared(call, "function")
    hints, params = _hints(call), list(_signature(call))
    returns = _returns(call, hints)
    if returns is None or inspect.iscoroutinefunction(call):
        raise Misdeclared(f"{_where(call)}: a function is a plain def that returns a value")
    positional = sum(param.kind is not param.KEYWORD_ONLY for param in params)
    specs = tuple(_param(call, param, hints.get(param.name)) for param in params)
    return FunctionSpec(name, call, inspect.getdoc(call) or "", specs, returns, positional, plugin)


def _signature(call: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(call).parameters.values()


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(call, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise Misdeclared(f"{_where(call)}: its annotations cannot be read: {error}") from error


def _param(call: Callable[..., Any], param: inspect.Parameter, annotation: Any) -> ParamSpec:
    if annotation is None:
        raise Misdeclared(f"{_where(call)}: `{param.name}` has no annotation")
    try:
        kind = type_of(annotation)
    except Unfit as error:
        raise Misdeclared(f"{_where(call)}: `{param.name}`: {error}") from error
    required = param.default is param.empty
    default = None if required else param.default
    return ParamSpec(_policy_name(param.name), kind, required, default, is_const(annotation), is_path(annotation))


def _policy_name(name: str) -> str:
    """A parameter's name in a policy: Python's own words are written with an underscore there (`from_`)."""
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name


def _returns(call: Callable[..., Any], hints: dict[str, Any]) -> t.Type | None:
    result = hints.get("return")
    if result in (None, type(None)):
        return None
    try:
        return type_of(result)
    except Unfit as error:
        raise Misdeclared(f"{_where(call)} returns what the language has no type for: {error}") from error


def _where(call: Callable[..., Any]) -> str:
    return f"{getattr(call, '__module__', '?')}.{getattr(call, '__qualname__', repr(call))}"
