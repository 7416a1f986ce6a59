"""`parse`: the text of one file in, its tree and its syntax findings out.

1. `scan` cuts the file into items. Each is read by the grammar on its own.
2. Where the grammar stops, `explain` says why, and `recover` blanks that one statement; then the item is read again.
   So one run reports every statement that is wrong, and the tree holds all that is right.
3. Nothing here raises, whatever the text; what is too deep or too much is a finding.
"""

from __future__ import annotations

from headgate.language import tree
from headgate.language.diagnostics import Diagnostic
from headgate.language.parse import grammar
from headgate.language.parse.build import RULES
from headgate.language.parse.builder import HOLE_DEPTH, MAX_DEPTH, Builder, TooDeep
from headgate.language.parse.comments import Comments
from headgate.language.parse.explain import explain
from headgate.language.parse.recover import blank_statement, body_of
from headgate.language.parse.scan import Chunk, Places, Scan, control_characters
from headgate.language.source import Source

MAX_FINDINGS = 50  # nobody reads more, and each costs a reading of its item
EDITION = 1


def parse(source: Source) -> tuple[tree.File | None, list[Diagnostic]]:
    """The tree of a policy file, and what is wrong with it, in the order of the file.

    With findings the tree holds what could be read (for editors), and is not to be served. None only where
    the file is empty or not of an edition that is known. Never raises.
    """
    return Parser(source).file()


class Parser:
    """One file being read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.places = Places(source)
        self.findings: list[Diagnostic] = control_characters(self.places)
        self.scan = Scan(self.places)
        self.findings += self.scan.findings
        self.comments = Comments(self.places, self.scan.comments)

    def file(self) -> tuple[tree.File | None, list[Diagnostic]]:
        chunks = list(self.scan.chunks)
        edition = self._edition(chunks)
        rest = chunks[1:] if edition else chunks
        items = [item for chunk in rest if (item := self._item(chunk)) is not None]
        found = sorted(self.findings, key=lambda one: (one.span.line, one.span.column))[:MAX_FINDINGS]
        if edition is None and not items:
            return None, found
        doc = self.comments.file_doc(items[0] if items else None)
        whole = self.places.span(0, len(self.source.text))
        comments = tuple(self.comments.nodes)
        return tree.File(whole, self.source.name, edition or EDITION, tuple(items), comments, doc), found

    def _edition(self, chunks: list[Chunk]) -> int | None:
        """The edition of the first line; None, with a finding, where there is none that is known."""
        text = chunks[0].text.strip() if chunks else ""
        first = text.split(maxsplit=1)[0] if text else ""
        if first != "policy":
            at = chunks[0].start + len(chunks[0].text) - len(chunks[0].text.lstrip()) if chunks else 0
            message = "the first line must name the edition of the language"
            self._find("E023", message, at, len(first), "write `policy 1` above it")
            return None
        outcome = self._read(chunks[0], "edition")
        if not isinstance(outcome, tree.Literal):
            return EDITION
        if outcome.value != EDITION or outcome.kind != "int":
            message = f"`policy {outcome.raw}` is an edition that is not known"
            self.findings.append(Diagnostic("E023", message, outcome.span, helps=("write `policy 1`",)))
        return EDITION

    def _item(self, chunk: Chunk) -> tree.Item | None:
        found = self._read(chunk, "item")
        return found if isinstance(found, tree.Item) else None

    def _read(self, chunk: Chunk, start: str) -> object:
        """The node of a chunk, read again without the statement at fault as often as one is. None if there is none."""
        whole = True
        while len(self.findings) < MAX_FINDINGS:
            outcome = grammar.read(chunk.text, start)
            if not isinstance(outcome, grammar.Failure):
                built = self._build(chunk, outcome, HOLE_DEPTH if start == "hole" else MAX_DEPTH)
                return built if whole else None
            self.findings.append(explain(outcome, chunk, self.places, start))
            mended = blank_statement(chunk.text, outcome.offset)
            if mended is not None:
                chunk = Chunk(chunk.start, mended)
            elif start == "item" and (body := body_of(chunk)) is not None:
                chunk, start, whole = body[0], body[1], False
            else:
                return None
        return None

    def _build(self, chunk: Chunk, read: grammar.Tree, limit: int) -> object:
        docs = self.comments.above
        builder = Builder(self.places, chunk.start, self.scan.texts, RULES, self._hole, self.findings, docs, limit)
        try:
            return builder.build(read)
        except TooDeep as error:
            helps = ("name a part of it with `let`, or write a long chain of `or` as `x in [a, b, c]`",)
            self.findings.append(
                Diagnostic("E024", f"nested deeper than {error.limit} levels", error.span, helps=helps)
            )
            return None

    def _hole(self, start: int, end: int) -> tree.Expr | None:
        """The expression in the braces of a text. The scan bounds how deep texts stand within texts."""
        inner = Scan(self.places, start, end, whole=True)
        self.findings += inner.findings
        self.scan.texts.update(inner.texts)
        if not inner.chunks or not inner.chunks[0].text.strip():
            message = "a value is missing between the braces of the string"
            self._find("E001", message, start - 1, end - start + 2, "a brace itself is written `{{`")
            return None
        found = self._read(inner.chunks[0], "hole")
        return found if isinstance(found, tree.Expr) else None

    def _find(self, code: str, message: str, at: int, size: int, help_: str) -> None:
        self.findings.append(Diagnostic(code, message, self.places.span(at, at + size), helps=(help_,)))
