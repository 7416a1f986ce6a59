"""One call as one line for a person: aligned, coloured where the terminal can, widest things last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from headgate.api import Money, spoken

_COLOURS: Final = {1: "dim", 2: "green", 3: "cyan", 4: "yellow", 5: "red"}


def line_of(row: Mapping[str, Any]) -> Text:
    """The line: time, status, duration, protocol, method and path, route, who, model and tokens and cost, what went wrong."""
    status = int(row.get("status", 0))
    line = Text()
    line.append(f"{datetime.fromtimestamp(float(row['at']), UTC):%m-%d %H:%M:%S.%f}"[:-3], "dim")
    line.append(f" {status:>3}", _COLOURS.get(status // 100, "bold"))
    line.append(f" {_duration(float(row.get('duration_s', 0.0))):>7}")
    line.append(f" {spoken(row, _printable).protocol or '-':<8}", "dim")
    line.append(f" {_printable(row.get('method', '-')):<6} ", "bold")
    line.append(f"{_printable(row.get('path', '-')):<32}")
    line.append(f" {_printable(row.get('route') or '-'):<12}", "cyan")
    line.append(f" {_printable(row.get('team') or row.get('caller') or row.get('client') or '-'):<12}")
    for part, style in _tail(row):
        line.append(f" {part}", style)
    line.rstrip()
    return line


def _booked(row: Mapping[str, Any]) -> int:
    """The most that one of the accounts was told."""
    totals: dict[tuple[Any, ...], int] = {}
    for *account, amount, _ in row.get("spent", ()):
        totals[tuple(account)] = totals.get(tuple(account), 0) + amount
    return max(totals.values(), default=0)


def _tail(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    if row.get("model"):
        parts.append((_printable(row["model"]), "magenta"))
    elif row.get("target"):
        parts.append((_printable(row["target"]), "dim"))
    if "input_tokens" in row:
        about = "~" if row.get("estimated") else ""
        parts.append((f"{about}{row['input_tokens']}+{row.get('output_tokens', 0)} tok", ""))
    if row.get("cost") is not None:
        parts.append((str(Money(row["cost"])), ""))
    booked = _booked(row)
    if booked > (row.get("cost") or 0):
        # Of what ended before its provider could say, a budget takes the most that it can have been.
        parts.append((f"(booked {Money(booked)})", ""))
    parts += _spoken(row)
    if row.get("cache"):
        parts.append((f"cache {_printable(row['cache'])}", "cyan"))
    if row.get("dropped"):
        parts.append((f"dropped {_printable(', '.join(map(str, row['dropped'])))}", "yellow"))
    if row.get("outcome") not in ("ok", None):
        parts.append((_printable(row["outcome"]), "yellow"))
    if row.get("error"):
        parts.append((_printable(row["error"]), "red"))
    parts.append((_printable(row.get("id", "")), "dim"))
    return parts


def _spoken(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    said = spoken(row, _printable)
    styled = [
        (said.upgrade, "cyan"), (said.grpc, "yellow" if row.get("grpc_status") else ""), (said.passed, ""), (said.close, ""),
    ]  # fmt: skip
    return [(part, style) for part, style in styled if part]


def attempt_lines(row: Mapping[str, Any]) -> list[Text]:
    """A line for each attempt, where there was more than one, or one that failed: whom, with which key, how long, what came
    of it, and why. Where there was none, the reason of what was refused or failed."""
    attempts = [_named(one) for one in row.get("attempts") or ()]
    if not attempts and row.get("detail"):
        return [Text(f"{'':>21} {_printable(row['detail'])}", "dim")]
    if len(attempts) == 1 and attempts[0].get("result") == "ok":
        return []
    return [_attempt(number, said) for number, said in enumerate(attempts, 1)]


def _named(attempt: Any) -> Mapping[str, Any]:
    """Rows of older days have them without names."""
    return (
        attempt if isinstance(attempt, dict) else dict(zip(("target", "result", "duration_s"), attempt, strict=False))
    )


def _attempt(number: int, said: Mapping[str, Any]) -> Text:
    result = _printable(said.get("result", "-"))
    line = Text(f"{'':>18} {number}. ", "dim")
    line.append(f"{_duration(float(said.get('duration_s', 0.0))):>7} ")
    line.append(f"{_printable(said.get('target', '-'))} ", "magenta")
    line.append(result, "green" if result == "ok" else "red")
    for part in (said.get("key"), None if said.get("cost") is None else Money(said["cost"]), said.get("why")):
        if part is not None:
            line.append(f" {_printable(part)}", "dim")
    return line


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f}ms" if seconds < 1 else f"{seconds:.2f}s"


def _printable(value: object) -> str:
    """What came from outside may hold escape sequences: none of them reaches the terminal."""
    text = str(value)
    return text if text.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
