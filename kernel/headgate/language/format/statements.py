"""Statements: rows of words and values, and the blocks behind them.

Every statement is a list of segments. A `Row` stands on a line, a block opens behind it; the rest follows from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headgate.language import tree
from headgate.language.format.expressions import Expressions, Group, Show, Shown
from headgate.language.format.page import STEP, WIDTH, Part, Place, begin, end
from headgate.language.source import Span

Piece = str | tree.Node | Group


@dataclass(frozen=True, slots=True)
class Row:
    """Words and values with a space between.

    `arguments` are those of a step, which may stand in the long form; then `start` is the place behind its `(`, and
    `stop` bounds the comments in it.
    """

    pieces: tuple[Piece, ...]
    arguments: tuple[tree.Node, ...] = ()
    long: bool = False
    start: Place = (0, 0)
    stop: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class Cases:
    """The block of a `match`."""

    match: tree.Match


Segment = Row | tree.Block | Cases


class Statements(Expressions):
    """Printing of what a block holds."""

    # --- what a statement consists of ---

    def segments(self, line: tree.Node) -> list[Segment]:
        match line:
            case tree.Step():
                return self._step(line)
            case tree.Arm(share=share, block=block):
                return [Row((share,)), block] if share is not None else [block]
            case tree.Use():
                return [Row(("use", self.use_call(line), *self._bound(line.bind)))]
            case tree.Let(bind=bind, value=value):
                return [Row((f"let {bind.name} =", value))]
            case tree.Set(place=place, value=value):
                return [Row(("set", place, "=", value))]
            case tree.Remove(place=place):
                return [Row(("remove", place))]
            case tree.If():
                return self._if(line)
            case tree.Match(subject=subject):
                return [Row(("match", subject)), Cases(line)]
            case tree.Require(condition=condition, status=status, why=why):
                return [Row(("require", condition, "else", status, why))]
            case tree.Respond(status=status, named=named):
                return [Row(("respond", status, *named))]
            case tree.Redirect(location=location, named=named):
                return [Row(("redirect", location, *named))]
            case tree.Give(value=value):
                return [Row(("give", value))]
            case tree.Parallel(block=block):
                return [Row(("parallel",)), block]
            case tree.On(patterns=patterns, block=block):
                kinds = ", ".join(one.kind + (".*" if one.wild else "") for one in patterns)
                return [Row((f"on {kinds}",)), block]
            case tree.Finally(block=block):
                return [Row(("finally",)), block]
        return self._test_segments(line)

    def _test_segments(self, line: tree.Node) -> list[Segment]:
        match line:
            case tree.Given(target=target, value=value):
                return [Row((f"given {target} =", value))]
            case tree.Send(method=method, target=target, named=named):
                return [Row((f"send {method} {target}", *named))]
            case tree.Expect(condition=condition):
                return [Row(("expect", condition))]
            case tree.After(duration=duration):
                return [Row(("after", duration))]
            case tree.Repeat(times=times, block=block):
                return [Row((f"repeat {times.raw}",)), block]
        raise TypeError(f"{type(line).__name__} is no statement")

    def _step(self, step: tree.Step) -> list[Segment]:
        prefix = "shadow " if step.shadow else "optional " if step.optional else ""
        number, column = end(step.name_span)
        text = self.source.line(number)
        opener = text[column - 1 :].lstrip(" \t")
        behind = number, len(text) - len(opener) + 2
        long = opener.startswith("(") and self.breaks_behind(behind)
        follower = step.block or step.bind
        stop = begin(follower.span) if follower else end(step.span)
        segments: list[Segment] = [Row((prefix + step.name,), (*step.args, *step.named), long, behind, stop)]
        if step.block is not None:
            segments.append(step.block)
        if step.bind is not None:
            segments.append(Row(self._bound(step.bind)))
        return segments

    def _bound(self, bind: tree.Bind | None) -> tuple[Piece, ...]:
        return () if bind is None else (f"as {bind.name}",)

    def use_call(self, use: tree.Use) -> tree.Call:
        """The call in a `use`, as an expression."""
        stop = use.bind.span if use.bind is not None else None
        span = use.fragment_span.to(use.span)
        if stop is not None:
            span = span._replace(end_line=stop.line, end_column=stop.column)
        return tree.Call(span, tree.Name(use.fragment_span, use.fragment), use.args, use.named)

    def _if(self, line: tree.If) -> list[Segment]:
        segments: list[Segment] = []
        for condition, block in line.branches:
            segments += [Row(("else if" if segments else "if", condition)), block]
        if line.otherwise is not None:
            segments += [Row(("else",)), line.otherwise]
        return segments

    # --- on one line ---

    def flat_line(self, segments: Sequence[Segment]) -> str | None:
        """The statement on one line, or None where it cannot stand on one."""
        out: list[str] = []
        for segment in segments:
            text = self._flat_segment(segment)
            if text is None:
                return None
            out.append(text)
        return " ".join(out)

    def _flat_segment(self, segment: Segment) -> str | None:
        match segment:
            case Row(pieces=pieces, arguments=arguments, long=long):
                if (long and arguments) or any(self._piece_breaks(piece) for piece in (*pieces, *arguments)):
                    return None
                return " ".join(self._flat_piece(piece) for piece in (*pieces, *arguments))
            case tree.Block():
                return self._flat_block(segment)
        return None

    def _flat_block(self, block: tree.Block) -> str | None:
        """A block that was written on one line and holds one statement."""
        if not block.statements and not self.commented(block.span):
            return "{ }"
        if block.span.line != block.span.end_line or len(block.statements) != 1:
            return None
        if block not in self._flat:
            self._flat[block] = self.flat_line(self.segments(block.statements[0])) or ""
        inner = self._flat[block]
        return f"{{ {inner} }}" if inner and len(inner) < WIDTH else None

    def _piece_breaks(self, piece: Piece) -> bool:
        if isinstance(piece, Group):
            return bool(piece.parts) and (piece.broken or any(self.must_break(shown) for _, shown in piece.parts))
        return not isinstance(piece, str) and self.must_break(piece)

    def _flat_piece(self, piece: Piece) -> str:
        if isinstance(piece, Group):
            return self.flat_group(piece)
        return piece if isinstance(piece, str) else self.flat(piece)

    # --- over several ---

    def line(self, span: Span, segments: Sequence[Segment], indent: int) -> str:
        """A statement or an item, on one line if it may and fits."""
        if not self.commented(span):
            text = self.flat_line(segments)
            if text is not None and indent + len(text) <= WIDTH:
                return text
        out = ""
        for segment in segments:
            column = indent + len(out.rpartition("\n")[2]) + 1
            out += (" " if out else "") + self._segment(segment, indent, column)
        return out

    def _segment(self, segment: Segment, indent: int, column: int) -> str:
        match segment:
            case Row():
                return self._row(segment, indent, column)
            case tree.Block():
                return self.block(segment, indent, column)
            case Cases(match=node):
                return self._cases(node, indent)

    def _row(self, row: Row, indent: int, column: int) -> str:
        if row.long and row.arguments:
            return self._long(row, indent)
        pieces = (*row.pieces, *row.arguments)
        if not any(self._piece_breaks(piece) for piece in pieces):
            text = " ".join(self._flat_piece(piece) for piece in pieces)
            if column + len(text) <= WIDTH:
                return text
            if row.arguments:
                return self._long(row, indent)
            return " ".join(self._show_piece(piece, indent, force=True) for piece in pieces)
        return " ".join(self._show_piece(piece, indent, force=False) for piece in pieces)

    def _show_piece(self, piece: Piece, indent: int, *, force: bool) -> str:
        if isinstance(piece, str):
            return piece
        if isinstance(piece, Group):
            breaks = piece.parts and (force or self._piece_breaks(piece))
            return self.show_group(piece, indent) if breaks else self.flat_group(piece)
        return self._show(piece, indent, force) if force or self.must_break(piece) else self.flat(piece)

    def _long(self, row: Row, indent: int) -> str:
        """The long form of a step: an argument a line."""
        parts: list[tuple[Span, Shown]] = [(one.span, one) for one in row.arguments]
        start = row.start if row.long else begin(row.arguments[0].span)
        return self.show_group(Group(f"{row.pieces[0]}(", ")", parts, start, row.stop, broken=True, comma=""), indent)

    def block(self, block: tree.Block, indent: int, column: int) -> str:
        flat = self._flat_block(block) if not self.commented(block.span) else None
        if flat is not None and column + len(flat) <= WIDTH:
            return flat
        start, stop = (block.span.line, block.span.column + 1), end(block.span)
        first = begin(block.statements[0].span) if block.statements else stop
        opener = "{" + self.take_on_line(start, first)
        parts = [Part(line.span, self._statement(line)) for line in block.statements]
        body = self.sequence(parts, start, stop, indent + STEP, first_blank=True)
        return f"{opener}\n{body}\n{' ' * indent}}}"

    def _statement(self, line: tree.Stmt) -> Show:
        return lambda indent: self.line(line.span, self.segments(line), indent)

    def _cases(self, node: tree.Match, indent: int) -> str:
        parts = [Part(case.span, self._case(case)) for case in node.cases]
        if node.otherwise is not None:
            otherwise = node.otherwise
            parts.append(Part(otherwise.span, lambda at: "else " + self.block(otherwise, at, at + STEP + 1)))
        start = end(node.subject.span)
        first = begin(parts[0].span) if parts else end(node.span)
        opener = "{" + self.take_on_line(start, first)
        body = self.sequence(parts, start, end(node.span), indent + STEP)
        return f"{opener}\n{body}\n{' ' * indent}}}" if body else "{ }"

    def _case(self, case: tree.Case) -> Show:
        def show(indent: int) -> str:
            values = ", ".join(self.show(value, indent) for value in case.values)
            return f"{values} " + self.block(case.block, indent, indent + len(values) + 1)

        return show
