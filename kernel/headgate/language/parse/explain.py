"""What the grammar could not read, in words a person understands.

`explain` asks the questions of `_RULES` in their order; the first that has an answer gives the finding. The last always
has one: it says what could have stood here, if that is short, and what stands here instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from headgate.language.diagnostics import Diagnostic
from headgate.language.parse.grammar import Failure
from headgate.language.parse.scan import FOREIGN, LONG_OPEN, OBJECT_OPEN, PATH, TEXT, TEXT_MORE, Chunk, Places
from headgate.language.suggest import suggest

ITEM_WORDS = ("import", "const", "type", "fragment", "route", "always", "never", "test")
TEST_WORDS = ("given", "send", "expect", "after", "repeat")
LINE_WORDS = (
    *(
        "use",
        "let",
        "set",
        "remove",
        "if",
        "match",
        "require",
        "respond",
        "redirect",
        "give",
        "parallel",
        "on",
        "finally",
    ),
    *TEST_WORDS,
)
VALUE = frozenset({"NUM", "TEXT", "NAME", "TRUE", "FALSE", "NONE"})
COMPARISONS = frozenset({"EQ", "NE", "LE", "GE", "LT", "GT", "IN", "MATCHES", "IS"})
GOES_ON = (
    COMPARISONS
    | {"OR", "AND", "NOT", "COALESCE", "PLUS", "MINUS", "STAR", "SLASH", "PERCENT"}
    | {"DOT", "LSQB", "LPAR"}
)
VALUE_WORDS = frozenset({"respond", "redirect", "give", "expect", "if", "match", "require", "after"})
SIGNS = frozenset({"=", "+", "-", "*", "/", "%", "<", ">", "==", "!=", "<=", ">=", "??", "(", "[", ",", ":"})
WANTS_VALUE = VALUE_WORDS | SIGNS | {"and", "or", "not", "in", "matches", OBJECT_OPEN, LONG_OPEN}

_NAMES = {
    "NAME": "a name", "NUM": "a number", "TEXT": "a string", "KEY": "`name=`", "PATH": "a path such as `/orders`",
    "LBRACE": "`{`", "RBRACE": "`}`", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "COMMA": "`,`",
    "COLON": "`:`", "DOT": "`.`", "EQUAL": "`=`", "VBAR": "`|`", "_NL": "the end of the line",
    "$END": "the end of the line", "OBJECT_CLOSE": "`}`", "OBJECT_OPEN": "`{`", "_DOTDOT": "`..`", "OPT": "`?`",
    "LONG_OPEN": "`(`", "WILD": "`.*`", "PREFIX": "`shadow`",
}  # fmt: skip
_STRANGE = {
    ";": "a line ends a statement; no `;` is needed",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "“": 'strings stand in straight quotes: `"…"`',
    "”": 'strings stand in straight quotes: `"…"`',
    "„": 'strings stand in straight quotes: `"…"`',
    "‘": "strings stand in straight quotes: `'…'`",
    "’": "strings stand in straight quotes: `'…'`",
    "`": 'strings stand in straight quotes: `"…"`',
    "$": "an amount of money is written `$500` or `$0.25`",
    "–": "the minus sign is `-`",
    "\\": "long conditions stand in parentheses, long argument lists in `step(` … `)`",
}
_LAST_TOKEN = re.compile(rf"(\w+|{TEXT}{TEXT_MORE}*|{PATH}+|==|!=|<=|>=|\?\?|[^\s])[ \n]*\Z")


@dataclass(frozen=True, slots=True)
class Stop:
    """Where reading stopped: the token there and before, what was expected, and the statement so far."""

    failure: Failure
    start: str  # what was being read
    before: str
    line: str  # the statement up to here, as scanned
    head: bool  # whether it is the first of the item
    source: str  # the token as written
    after: str  # the letter behind it
    item: str  # the first word of the item

    @property
    def at(self) -> str:
        return self.failure.at

    @property
    def expected(self) -> frozenset[str]:
        return self.failure.expected

    @property
    def ends(self) -> bool:
        """Whether the line, or the block around it, ends here."""
        return self.failure.at_type in ("$END", "_NL", "RBRACE")

    @property
    def words(self) -> list[str]:
        return self.line.split()


class Answer(NamedTuple):
    """What to say; `at_head` points to the first word of the statement instead of the token."""

    message: str
    help: str = ""
    at_head: bool = False
    code: str = "E001"


def explain(failure: Failure, chunk: Chunk, places: Places, start: str) -> Diagnostic:
    """The finding for where the grammar stopped. A line that ends too early is pointed at behind its last token."""
    text, offset = chunk.text, failure.offset
    last = len(text[:offset].rstrip())
    behind = failure.at_type in ("$END", "_NL") or (
        failure.at_type == "RBRACE" and "\n" in places.text[chunk.start + last : chunk.start + offset]
    )
    if behind:
        offset = last
    end = offset + 1 if behind else max(failure.end, offset + 1)
    begin = max(text.rfind(edge, 0, offset) for edge in "\n{}") + 1
    found = _LAST_TOKEN.search(text[max(0, offset - 400) : offset])
    source, after = (
        places.text[chunk.start + offset : chunk.start + end],
        places.text[chunk.start + end : chunk.start + end + 1],
    )
    stop = Stop(
        failure,
        start,
        found[1] if found else "",
        text[begin:offset],
        begin == 0,
        source,
        after,
        next(iter(text.split()), ""),
    )
    answer = next(answer for rule in _RULES if (answer := rule(stop)) is not None)
    if answer.at_head and stop.words:
        offset = text.index(stop.words[0], begin)
        end = offset + len(stop.words[0])
    span = places.behind(chunk.start + offset) if behind else places.span(chunk.start + offset, chunk.start + end)
    return Diagnostic(answer.code, answer.message, span, helps=(answer.help,) if answer.help else ())


def _strange_letter(stop: Stop) -> Answer | None:
    if stop.failure.at_type and stop.at != FOREIGN:
        return None
    letter = stop.source[:1]
    if letter == "=" and stop.before in ("=", "!", "<", ">"):
        return None
    shown = letter if letter.isprintable() and letter.strip() else f"U+{ord(letter):04X}" if letter else "this"
    return Answer(f"`{shown}` means nothing here", _STRANGE.get(letter, ""))


def _bare_assignment(stop: Stop) -> Answer | None:
    if stop.failure.at_type not in ("KEY", "EQUAL"):
        return None
    head = stop.words[0] if stop.words else ""
    if head in ("if", "require", "expect", "match", "else"):
        return Answer("`=` gives a value; it does not compare", "to compare, write `==`")
    if stop.failure.at_type == "KEY" and not stop.words and "SEND" in stop.expected:
        return Answer(f"`{stop.at}` is given no value in a test", f"fakes are written `given {stop.at} = …`")
    if not stop.words and stop.failure.at_type == "KEY":
        return Answer(
            f"`{stop.at} = …` is no statement",
            f"a new name is bound with `let {stop.at} = …`, a place is changed with `set`",
        )
    if len(stop.words) == 1 and stop.failure.at_type == "EQUAL" and not stop.head:
        place = stop.words[0]
        if stop.source + stop.after == "==":
            return Answer("a comparison is no statement", 'write `require … else 403 "why"` or `if … { }`')
        if place.isidentifier():
            help_ = f"a new name is bound with `let {place} = …`, a place changed with `set`"
            return Answer(f"`{place} = …` is no statement", help_)
        return Answer(f"`{place} = …` is no statement", f"a place is changed with `set {place} = …`")
    return None


def _no_value(stop: Stop) -> Answer | None:
    if not stop.expected >= {"NUM", "TEXT"} or stop.before not in WANTS_VALUE or "_NL" in stop.expected:
        return None
    shown = {OBJECT_OPEN: "{", LONG_OPEN: "("}.get(stop.before, stop.before)
    if stop.at in ("==", "=") and stop.before == "=":
        return Answer("too many `=`", "a value is given with `=`, compared with `==`")
    if stop.before == "," and stop.at == ",":
        return Answer("a value is missing between two commas")
    return Answer(f"expected a value after `{shown}`", _instead(stop))


def _instead(stop: Stop) -> str:
    return "put the value on the same line" if stop.ends and stop.before not in "([," else ""


def _comparison_chain(stop: Stop) -> Answer | None:
    if stop.failure.at_type not in COMPARISONS or not re.search(r"==|!=|[<>]|\b(?:in|matches|is)\b", stop.line):
        return None
    return Answer("comparisons do not chain", "write two of them with `and` between")


def _unknown_item(stop: Stop) -> Answer | None:
    head = stop.words[0] if stop.words else stop.at
    if stop.start != "item" or not stop.head or not head.isidentifier() or head in ITEM_WORDS:
        return None
    if head == "policy" or (not stop.words and stop.at == "policy"):
        return Answer("`policy` stands once, on the first line", at_head=True)
    near = suggest(head, ITEM_WORDS)
    if near:
        return Answer(f"`{head}` begins no item", f"did you mean `{near}`?", True)
    if head in LINE_WORDS or "." in stop.line or not stop.words:
        return Answer(
            f"`{head}` cannot stand at the top of a file",
            "statements stand in a `route`, a `fragment` or a `test`",
            True,
        )
    return None


def _wrong_place(stop: Stop) -> Answer | None:
    """A statement of routes in a test, of tests in a route, or an item in either."""
    if stop.words or not stop.expected & {"LET", "SEND"} or not stop.at.isidentifier():
        return None
    if "SEND" in stop.expected:
        near = suggest(stop.at, TEST_WORDS)
        says = (
            f"did you mean `{near}`?" if near else "a test consists of `given`, `send`, `expect`, `after` and `repeat`"
        )
        return Answer(f"`{stop.at}` is no statement of a test", says, code="E701")
    if stop.at == "else":
        return Answer("this `else` belongs to no `if`", "it follows the `}` of an `if`: `} else {`")
    if stop.at in ITEM_WORDS:
        return Answer(f"`{stop.at}` stands at the top of a file, not in a block", "is a `}` missing above?")
    return None


def _of_tests(stop: Stop) -> Answer | None:
    """A statement of tests in a route or a fragment."""
    if stop.item not in ("route", "fragment") or not stop.words or stop.words[0] not in TEST_WORDS:
        return None
    return Answer(f"`{stop.words[0]}` stands in a test", 'a test is an item of its own: `test "…" { … }`', True, "E012")


def _second_statement(stop: Stop) -> Answer | None:
    """Something more where a line could have ended."""
    if stop.ends or not stop.expected & {"_NL"} or not stop.words:
        return None
    if stop.before == "}":
        return Answer(f"expected the end of the line, found {_shown(stop)}", "a statement has a line of its own")
    if re.search(r"=\s*\S+\s*$", stop.line) and stop.failure.at_type in VALUE:
        return Answer(f"{_shown(stop)} has no name", "values with names come last: `step value name=value`")
    if stop.failure.at_type == "COMMA":
        return Answer("arguments are not separated by commas", "write `step value name=value name=value`")
    if stop.failure.at_type in VALUE:
        if "KEY" in stop.expected:
            help_ = "a step takes one value without a name; give the others as `name=value`"
            return Answer(f"a second value without a name: {_shown(stop)}", help_)
        return Answer(f"expected the end of the line, found {_shown(stop)}")
    return None


def _call_like_step(stop: Stop) -> Answer | None:
    if stop.failure.at_type not in ("COMMA", "KEY") or "RPAR" not in stop.expected:
        return None
    if not re.match(r"\s*[\w.]+\(", stop.line):
        return None
    name = stop.line.strip().split("(")[0]
    return Answer(
        "a step's arguments stand without parentheses and commas",
        f"write `{name} value name=value`, or the long form: `{name}(`, one argument a line, `)`",
    )


def _require(stop: Stop) -> Answer | None:
    if not stop.words or stop.words[0] != "require":
        return None
    if stop.ends and stop.expected & {"ELSE"}:
        return Answer("`require` does not say what to answer", 'write `require … else 403 "why"`')
    if stop.ends and stop.expected == {"TEXT"}:
        return Answer("`require` does not say why", 'write `require … else 403 "why"`')
    if stop.expected == {"NUM"}:
        return Answer(f"expected a status after `else`, found {_shown(stop)}", 'write `require … else 403 "why"`')
    return None


def _path(stop: Stop) -> Answer | None:
    if stop.expected & {"PATH"} and stop.failure.at_type != "COMMA":
        help_ = "a path begins with `/`: `GET /orders/7`"
        return Answer(f"expected a path, found {_shown(stop)}", help_)
    return None


def _attribute(stop: Stop) -> Answer | None:
    """A name without `=` where an attribute of a resource is wanted."""
    if stop.start != "item" or "KEY" not in stop.expected or stop.failure.at_type not in ("NAME", "KEY") or stop.head:
        return None
    return Answer(f"`{stop.at}` has no value", f"an attribute is written `{stop.at} = …`")


def _fallback(stop: Stop) -> Answer | None:
    expected = stop.expected
    names: list[str] = []
    if stop.ends and "LBRACE" in expected:
        expected -= {"COMMA", "WILD", "OPT"}
    if expected >= {"NUM", "TEXT"}:
        names.append("a value")
        expected -= VALUE | {"MINUS", "NOT", "LPAR", "LSQB", "OBJECT_OPEN"}
    else:
        expected -= GOES_ON if len(expected) > 4 else frozenset()
    names += sorted({_NAMES.get(one, f"`{one.lower()}`") for one in expected if not one.startswith("__")})
    if not names or len(names) > 5:
        return Answer(f"{_shown(stop)} does not fit here" if not stop.ends else "the line ends too early")
    *most, last = names
    wanted = f"{', '.join(most)} or {last}" if most else last
    return Answer(f"expected {wanted}, found {_shown(stop)}")


def _shown(stop: Stop) -> str:
    kind = stop.failure.at_type
    if kind in ("$END", "_NL"):
        return "the end of the line"
    if kind == "TEXT":
        return "a string"
    if kind == "KEY":
        return f"`{stop.at}=`"
    return f"`{stop.source[:40]}`"


_RULES: tuple[Callable[[Stop], Answer | None], ...] = (
    _strange_letter, _of_tests, _bare_assignment, _call_like_step, _comparison_chain, _no_value, _require, _path, _unknown_item,
    _wrong_place, _second_statement, _attribute, _fallback,
)  # fmt: skip
