"""The first pass: what needs to look around, so that the grammar need not.

1. It finds texts, comments, paths and brackets, and decides which newlines end a statement. What it hands on has the
   length of the file, so every offset stays true (the letters are explained at the top of `grammar.lark`).
2. It cuts the file into chunks, one an item: a mistake in one item never hides the findings of another.
3. What is never closed is found here, where the opener is known, and mended (a missing `}` is added, a line with an
   open `(` is blanked), so that the grammar never sees it and one mistake makes one finding.
4. One forward pass over tokens, linear in the file, no recursion.

A `{` is an object's where a value is wanted: inside ( [ or an object, after `=`, an operator or a word such as `in`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice

from headgate.language.diagnostics import Diagnostic
from headgate.language.parse.texts import TextToken, read_text
from headgate.language.source import Source, Span

OBJECT_OPEN, OBJECT_CLOSE, PATH, TEXT, TEXT_MORE, LONG_OPEN, FOREIGN = (chr(0xE001 + n) for n in range(7))
MAX_NESTING = 60

STATEMENT_WORDS = frozenset(
    {
        *("use", "let", "set", "remove", "if", "else", "match", "require", "respond", "redirect", "give", "parallel"),
        *("on", "finally", "given", "send", "expect", "after", "repeat"),
    }
)
VALUE_WORDS = frozenset(
    {"give", "in", "and", "or", "not", "matches", "if", "match", "require", "expect", "is", "redirect", "respond"}
)
VALUE_SIGNS = frozenset({*"=([,:+-*/%<>?|", OBJECT_OPEN, LONG_OPEN})
CLOSER = {"(": ")", "[": "]", "{": "}", OBJECT_OPEN: OBJECT_CLOSE, LONG_OPEN: ")"}
ITEM_LOOK = re.compile(r'(?:route|test|fragment|type|import|const|always|never)[ \t]+["A-Za-z_]')

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v\ufeff\xa0]+)
      | (?P<newline>\n)
      | (?P<comment>\#[^\n]*)
      | (?P<quote>["'])
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>\$?[0-9]+(?:\.[0-9]+)?(?:[A-Za-z][A-Za-z0-9_]*|%)?)
      | (?P<open>[(\[{])
      | (?P<close>[)\]}])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_PATH = re.compile(r'/(?:[^\s{}"#]|\{[^{}\s"]*\})*')
_INDENT = re.compile(r"[ \t]*")
_LONG = re.compile(r"[ \t\r]*(?:#[^\n]*)?\n")
_BLOCK_AFTER_ALL = re.compile(
    r"[ \t\r]*(?:#[^\n]*)?\n(?!\s*(?:[A-Za-z_]\w*[ \t]*:|[\"'#}]))"
)  # no key on the next line
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_PRIVATE = re.compile("[\ue001-\ue007]")


@dataclass(slots=True)
class Chunk:
    """One item: `text` is ready for the grammar, its first letter stands at `start` of the file."""

    start: int
    text: str


@dataclass(slots=True)
class Bracket:
    sign: str
    offset: int
    statement: int  # where the statement around it begins

    @property
    def soft(self) -> bool:
        """Newlines inside do not end a statement."""
        return self.sign != "{"


@dataclass(slots=True)
class Places:
    """Offsets of a file as spans."""

    source: Source
    text: str = field(init=False)  # without what no grammar should see
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.text = _PRIVATE.sub(FOREIGN, _CONTROL.sub(" ", self.source.text))
        self.starts = [0, *(found.end() for found in re.finditer("\n", self.source.text))]

    def span(self, start: int, end: int) -> Span:
        size = len(self.source.text)
        start, end = min(start, size), min(end, size)
        line, end_line = bisect_right(self.starts, start), bisect_right(self.starts, end)
        return Span(
            self.source.name, line, start - self.starts[line - 1] + 1, end_line, end - self.starts[end_line - 1] + 1
        )

    def behind(self, offset: int) -> Span:
        """The place behind the last letter of a line."""
        here = self.span(offset, offset)
        return here._replace(end_column=here.column + 1)


class Scan:
    """What the first pass found between `start` and `end` of a file.

    `chunks` (one for all with `whole`), `texts` by offset, `comments` as (start, end), and `findings`.
    """

    def __init__(self, places: Places, start: int = 0, end: int | None = None, *, whole: bool = False) -> None:
        self.places = places
        self.text = places.text
        self.end = len(self.text) if end is None else end
        self.whole = whole
        self.chunks: list[Chunk] = []
        self.texts: dict[int, TextToken] = {}
        self.comments: list[tuple[int, int]] = []
        self.findings: list[Diagnostic] = []
        self._begin_chunk(start)
        self._run(start)

    def _begin_chunk(self, at: int) -> None:
        self._chunk_start = at
        self._pieces: list[str] = []
        self._stack: list[Bracket] = []
        self._blanks: list[tuple[int, int]] = []
        self._suspect: Bracket | None = None
        self._too_deep = False
        self._newline: int | None = None  # the piece that becomes a newline if the next token begins a statement
        self._overflow = 0  # brackets open beyond the limit
        self._before = self._before_that = ""  # the last two tokens
        self._new_statement(at)

    def _new_statement(self, at: int) -> None:
        self._statement: list[str] = []  # its first tokens
        self._statement_start = at

    def _run(self, at: int) -> None:
        while at < self.end:
            found = _TOKEN.match(self.text, at, self.end)
            if found is None:  # never: the last group takes any letter
                return
            sign = found.group()
            match found.lastgroup:
                case "space":
                    self._pieces.append(" " * len(sign))
                    at += len(sign)
                case "newline":
                    at = self._on_newline(at)
                case "comment":
                    self.comments.append((at, at + len(sign.rstrip())))
                    self._pieces.append(" " * len(sign))
                    at += len(sign)
                case "quote":
                    at = self._on_quote(at)
                case "open":
                    at = self._on_open(at, sign)
                case "close":
                    at = self._on_close(at, sign)
                case _:
                    at = self._on_plain(at, sign)
        self._close_chunk(self.end)

    def _on_newline(self, at: int) -> int:
        if self._newline is None:
            self._newline = len(self._pieces)
        self._pieces.append(" ")
        return at + 1

    def _on_quote(self, at: int) -> int:
        self._begin(at, '"')
        found = read_text(self.text, at, self.end)
        if not found.closed:
            found = self._mend_text(found)
        self.texts[at] = found
        return self._put(at, TEXT + TEXT_MORE * (found.end - at - 1), '"')

    def _on_plain(self, at: int, sign: str) -> int:
        if self._stack and not self.whole and self.text[at - 1 : at] == "\n" and ITEM_LOOK.match(self.text, at):
            self._close_chunk(at)
        self._begin(at, sign)
        if sign == "/" and self._path_may_stand_here(at):
            found = _PATH.match(self.text, at, self.end)
            return self._put(at, PATH * len(found.group() if found else sign), "path")
        return self._put(at, sign, sign)

    def _on_open(self, at: int, sign: str) -> int:
        self._begin(at, sign)
        if len(self._stack) == MAX_NESTING:
            return self._on_too_deep(at)
        sign = self._which_open(at, sign)
        self._stack.append(Bracket(sign, at, self._statement_start))
        end = self._put(at, sign, sign)
        if sign == "{":
            self._new_statement(end)
        return end

    def _on_too_deep(self, at: int) -> int:
        """Count on without a finding: the item is given up, and what follows it is read."""
        if not self._too_deep:
            helps = ("give the inner part a name of its own",)
            self._find(at, f"nested deeper than {MAX_NESTING} brackets", helps=helps)
        self._too_deep = True
        self._overflow += 1
        return self._put(at, " ", " ")

    def _on_close(self, at: int, sign: str) -> int:
        if self._overflow:
            self._overflow -= 1
            return self._put(at, " ", " ")
        self._begin(at, sign)
        opener = self._opener_for(at, sign)
        if opener is None:
            self._find(at, f"this `{sign}` closes nothing", helps=("remove it, or write what it should close",))
            self._pieces.append(" ")
            return at + 1
        end = self._put(at, CLOSER[opener.sign], sign)
        if not opener.soft:
            self._new_statement(end)
        return end

    def _put(self, at: int, piece: str, sign: str) -> int:
        self._pieces.append(piece)
        self._before_that, self._before = self._before, sign
        if len(self._statement) < 16:  # enough for any name
            self._statement.append(sign)
        return at + len(piece)

    # --- what a newline, a bracket, a slash is ---

    def _begin(self, at: int, sign: str) -> None:
        """Before every token: decide whether the newline in front of it ends a statement, or an item."""
        pending, self._newline = self._newline, None
        if pending is None or self._before in ("", "{", ",") or sign == "}":
            return
        if (self._stack and self._stack[-1].soft) or (sign == "else" and self._before == "}"):
            return
        if self._stack or self.whole:
            self._pieces[pending] = "\n"
            self._new_statement(at)
        else:
            self._close_chunk(at)

    def _which_open(self, at: int, sign: str) -> str:
        if sign == "(" and self._is_step_name() and _LONG.match(self.text, at + 1):
            return LONG_OPEN
        if sign == "{" and self._stack and self._stack[-1].soft:
            return OBJECT_OPEN
        if sign == "{" and self._value_is_wanted() and not _BLOCK_AFTER_ALL.match(self.text, at + 1):
            return OBJECT_OPEN
        return sign

    def _value_is_wanted(self) -> bool:
        """By the token before; `upstream.*` and `x.in` end in names, whatever they look like."""
        return self._before_that != "." and (self._before in VALUE_SIGNS or self._before in VALUE_WORDS)

    def _is_step_name(self) -> bool:
        """Whether the statement so far is the name of a step: words with dots, no keyword in front."""
        name = self._statement[1:] if self._statement[:1] in (["shadow"], ["optional"]) else self._statement
        if len(name) % 2 == 0 or name[0] in STATEMENT_WORDS:
            return False
        return all((part == ".") if odd % 2 else part.isidentifier() for odd, part in enumerate(name))

    def _path_may_stand_here(self, at: int) -> bool:
        spaced = self.text[at - 1 : at].isspace()
        return spaced and self._statement[:1] in (["route"], ["send"]) and self._before.isidentifier()

    # --- what is never closed ---

    def _opener_for(self, at: int, sign: str) -> Bracket | None:
        """The bracket that `sign` closes, taken off the stack; what stands open above it is reported."""
        stack = self._stack
        if sign == "}":
            while stack and stack[-1].sign in ("(", "[", LONG_OPEN):
                if not any(CLOSER[bracket.sign] in ("}", OBJECT_CLOSE) for bracket in stack):
                    return None
                self._leave_open(stack.pop(), at)
            if stack and stack[-1].sign == "{" and self._suspect is None and self._closes_less_indented(at):
                self._suspect = stack[-1]
            return stack.pop() if stack else None
        if not stack or not stack[-1].soft:
            return None
        if CLOSER[stack[-1].sign] != sign:
            opener = self.text[stack[-1].offset]
            self._find(
                at,
                f"`{opener}` is closed by `{sign}`",
                helps=(f"write `{ {'(': ')', '[': ']', '{': '}'}[opener] }` here",),
                related=((self.places.span(stack[-1].offset, stack[-1].offset + 1), "opened here"),),
            )
        return stack.pop()

    def _closes_less_indented(self, at: int) -> bool:
        """Whether the `}` at `at` begins its line, further left than the line that it closes: a sign of one missing."""
        column = at - self._line_start(at)
        return column == self._indent(at) and column < self._indent(self._stack[-1].offset)

    def _leave_open(self, bracket: Bracket, at: int) -> None:
        if not self._blanks or self._blanks[-1][0] != bracket.statement:
            self._find(bracket.offset, f"this `{self.text[bracket.offset]}` is never closed")
        self._blanks.append((bracket.statement, at))

    def _mend_text(self, found: TextToken) -> TextToken:
        """Report a text without its closing quote, and end it where it was probably meant to end."""
        size = len(found.quote)
        self._find(
            found.start,
            "this string is never closed",
            size=size,
            helps=(f"end it with `{found.quote}`" + (" on the same line" if size == 1 else ""),),
        )
        stop = found.end
        if size == 3:
            item = re.compile(r"^" + ITEM_LOOK.pattern, re.MULTILINE).search(self.text, found.start, self.end)
            stop = item.start() - 1 if item else self.end
        tail = re.search(r"[ \t\r]*\{?[ \t\r]*$", self.text[found.start + size : stop])
        stop -= len(tail.group()) if tail else 0
        stop -= self._closers_at(found.start + size, stop)
        return TextToken(found.start, max(stop, found.start + 1), found.quote, (), closed=False)

    def _closers_at(self, start: int, stop: int) -> int:
        """How many letters before `stop` close brackets that were opened on the same line."""
        back = stop
        for bracket in reversed(self._stack):
            if bracket.offset < self._line_start(start):
                break
            while back > start and self.text[back - 1] in " \t":
                back -= 1
            if back > start and self.text[back - 1] in ")]}":
                back -= 1
        return stop - back

    def _close_chunk(self, at: int) -> None:
        """End the item in front of `at`: close what is still open, and hand the chunk on."""
        if self._stack:
            bracket = self._suspect or self._stack[-1]
            self._find(bracket.offset, f"this `{self.text[bracket.offset]}` is never closed")
        self._blanks.extend((bracket.statement, at) for bracket in self._stack if bracket.soft)
        text = "".join(self._pieces)
        for start, end in self._blanks:
            start, end = start - self._chunk_start, end - self._chunk_start
            text = text[:start] + " " * (end - start) + text[end:]
        text += "".join("}" for bracket in self._stack if not bracket.soft)
        if not self._too_deep and (self.whole or not text.isspace()) and text:
            self.chunks.append(Chunk(self._chunk_start, text))
        self._begin_chunk(at)

    def _find(
        self,
        at: int,
        message: str,
        *,
        size: int = 1,
        helps: tuple[str, ...] = (),
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        if not self._too_deep:
            span = self.places.span(at, at + size)
            self.findings.append(Diagnostic("E001", message, span, helps=helps, related=related))

    def _line_start(self, at: int) -> int:
        return self.places.starts[bisect_right(self.places.starts, at) - 1]

    def _indent(self, at: int) -> int:
        """How far the line of `at` is indented."""
        found = _INDENT.match(self.text, self._line_start(at))
        return len(found.group()) if found else 0


def control_characters(places: Places) -> list[Diagnostic]:
    """A finding for each of the first few characters that no editor shows."""
    found = islice(_CONTROL.finditer(places.source.text), 3)
    return [
        Diagnostic(
            "E001",
            f"a control character, U+{ord(one.group()):04X}, stands here",
            places.span(one.start(), one.end()),
            helps=(f"remove it; in a string write `\\u{ord(one.group()):04X}`",),
        )
        for one in found
    ]
