"""The types of the language.

`Type.accepts(other)` is assignability: whether a value of type `other` may stand where this type is wanted. It is
structural for records and exact for units: a bare int is no duration, an int is a number, T is a T?, T? is no T.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Type:
    def accepts(self, other: Type) -> bool:
        return isinstance(other, Never) or self == other


@dataclass(frozen=True, slots=True)
class Never(Type):
    """The type of what went wrong already: fits everywhere, so that one mistake makes one finding."""

    def accepts(self, other: Type) -> bool:
        return True

    def __str__(self) -> str:
        return "?"


@dataclass(frozen=True, slots=True)
class Anything(Type):
    """A parameter that takes any one value that is not a secret and may be absent."""

    def accepts(self, other: Type) -> bool:
        return not holds_secret(other)

    def __str__(self) -> str:
        return "any value"


@dataclass(frozen=True, slots=True)
class Scalar(Type):
    name: str

    def accepts(self, other: Type) -> bool:
        if isinstance(other, Bounded):
            other = other.base
        if isinstance(other, Choice):
            return self in (TEXT, JSON)
        if self == NUMBER and other == INT:
            return True
        if self == JSON:
            return is_json(other)
        if self == STATUS and other == INT:
            return True
        if self == INT and other == STATUS:
            return True
        if self == TEXT and other == IP:
            return True
        return isinstance(other, Never) or self == other

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Optional(Type):
    inner: Type

    def accepts(self, other: Type) -> bool:
        if isinstance(other, Optional):
            other = other.inner
        return other == NONE or self.inner.accepts(other)

    def __str__(self) -> str:
        return f"{self.inner}?"


@dataclass(frozen=True, slots=True)
class ListType(Type):
    item: Type

    def accepts(self, other: Type) -> bool:
        return isinstance(other, Never) or (isinstance(other, ListType) and self.item.accepts(other.item))

    def __str__(self) -> str:
        return f"list[{self.item}]"


@dataclass(frozen=True, slots=True)
class MapType(Type):
    value: Type

    def accepts(self, other: Type) -> bool:
        if isinstance(other, Record):
            return all(self.value.accepts(kind) for _, kind in other.fields)
        return isinstance(other, Never) or (isinstance(other, MapType) and self.value.accepts(other.value))

    def __str__(self) -> str:
        return f"map[{self.value}]"


@dataclass(frozen=True, slots=True)
class Record(Type):
    """Named fields. A `mapping` is a dict in Python (an object literal, a `type` of the file); other records are
    objects with attributes. An `open` one may have fields beyond those it names."""

    name: str
    fields: tuple[tuple[str, Type], ...]
    open: bool = False
    mapping: bool = False

    def field(self, name: str) -> Type | None:
        return next((kind for key, kind in self.fields if key == name), None)

    def accepts(self, other: Type) -> bool:
        if isinstance(other, Never):
            return True
        if not isinstance(other, Record):
            return False
        return self.name == other.name or all(
            ((found := other.field(key)) is not None and kind.accepts(found))
            or (found is None and isinstance(kind, Optional))
            for key, kind in self.fields
        )

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Choice(Type):
    """One of some words: a text literal in `type`s, a bare word in a step's parameters."""

    words: tuple[str, ...]

    def accepts(self, other: Type) -> bool:
        return isinstance(other, Never) or (isinstance(other, Choice) and set(other.words) <= set(self.words))

    def __str__(self) -> str:
        return " | ".join(f'"{word}"' for word in self.words)


@dataclass(frozen=True, slots=True)
class Bounded(Type):
    """`text(1..4000)`, `number(0..1)`: a scalar whose length or value lies between bounds, both inclusive.

    A literal is checked when the policy loads; any other value when it is read (`read.json`) or passed to a step.
    """

    base: Scalar
    low: float | None = None
    high: float | None = None

    def accepts(self, other: Type) -> bool:
        return self.base.accepts(other)

    def __str__(self) -> str:
        def show(bound: float | None) -> str:
            return "" if bound is None else f"{bound:g}"

        return f"{self.base}({show(self.low)}..{show(self.high)})"


@dataclass(frozen=True, slots=True)
class ResourceType(Type):
    """A resource of some kind: `upstream`, `model`, `prompt`. Passed to steps by name, never computed."""

    kind: str

    def __str__(self) -> str:
        return self.kind


@dataclass(frozen=True, slots=True)
class AnyOf(Type):
    """One of several types: `Model | list[Model]` in a step's parameters."""

    kinds: tuple[Type, ...]

    def accepts(self, other: Type) -> bool:
        if isinstance(other, AnyOf):
            return all(self.accepts(kind) for kind in other.kinds)
        return any(kind.accepts(other) for kind in self.kinds)

    def __str__(self) -> str:
        return " or ".join(str(kind) for kind in self.kinds)


@dataclass(frozen=True, slots=True)
class TypeName(Type):
    """A parameter that takes the name of a `type` of the file (`read.json Message`)."""

    def __str__(self) -> str:
        return "the name of a type"


def holds_secret(kind: Type) -> bool:
    """Whether a value of that type is a secret, or has one inside."""
    match kind:
        case Scalar():
            return kind == SECRET
        case Optional(inner) | ListType(inner) | MapType(inner):
            return holds_secret(inner)
        case Record(_, fields):
            return any(holds_secret(inner) for _, inner in fields)
        case AnyOf(kinds):
            return any(holds_secret(inner) for inner in kinds)
    return False


def is_json(other: Type) -> bool:
    """Whether a value of that type has one obvious JSON form."""
    match other:
        case Never():
            return True
        case Scalar(name):
            return name in {"json", "text", "int", "number", "bool", "none", "ip", "status", "time", "duration", "size"}
        case Bounded(base):
            return is_json(base)
        case Optional(inner) | ListType(inner) | MapType(inner):
            return is_json(inner)
        case Record(_, fields):
            return all(is_json(kind) for _, kind in fields)
    return isinstance(other, Choice)


NEVER = Never()
ANY = Anything()
BOOL, INT, NUMBER, TEXT, BYTES = Scalar("bool"), Scalar("int"), Scalar("number"), Scalar("text"), Scalar("bytes")
DURATION, SIZE, RATE, MONEY, PERCENT = (
    Scalar("duration"),
    Scalar("size"),
    Scalar("rate"),
    Scalar("money"),
    Scalar("percent"),
)
STATUS, TIME, IP, NETWORK, REGEX = Scalar("status"), Scalar("time"), Scalar("ip"), Scalar("network"), Scalar("regex")
JSON, NONE, SECRET = Scalar("json"), Scalar("none"), Scalar("secret")
FAILURE = Scalar("failure")  # an item of `on=[502, 5xx, timeout]`
WORD = Scalar("word")  # a bare name that stands for itself: `provider = openai`
TYPE_NAME = TypeName()

NAMED = {
    kind.name: kind
    for kind in (
        BOOL,
        INT,
        NUMBER,
        TEXT,
        BYTES,
        DURATION,
        SIZE,
        RATE,
        MONEY,
        PERCENT,
        STATUS,
        TIME,
        IP,
        NETWORK,
        REGEX,
        JSON,
        SECRET,
    )
}


def unify(left: Type, right: Type) -> Type | None:
    """The type of a name whose value comes from either side, or None where there is none."""
    if left.accepts(right):
        return left
    if right.accepts(left):
        return right
    if NONE in (left, right):
        return Optional(right if left == NONE else left)
    if isinstance(left, Optional) or isinstance(right, Optional):
        inner = unify(strip(left), strip(right))
        return None if inner is None else Optional(inner)
    if isinstance(left, Choice) and isinstance(right, Choice):
        return Choice(tuple(dict.fromkeys(left.words + right.words)))
    return None


def list_of(kind: Type | None) -> ListType | None:
    """The list among the types that fit, if there is one."""
    if kind is None:
        return None
    kind = strip(kind)
    kinds = kind.kinds if isinstance(kind, AnyOf) else (kind,)
    return next((one for one in kinds if isinstance(one, ListType)), None)


def of_resources(kind: Type) -> bool:
    """Whether these are resources, which are all known when the policy loads."""
    return isinstance(kind, ResourceType) or (isinstance(kind, ListType) and of_resources(kind.item))


def strip(kind: Type) -> Type:
    """T for T?, anything else unchanged."""
    return kind.inner if isinstance(kind, Optional) else kind
