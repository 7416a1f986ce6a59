"""A row of the call log as one line, for a person or for a machine.

What clients choose (path, host, model, the claims of a token) reaches a terminal here, so anything that does not print
is escaped: a line is always one line, and no request paints the screen of whoever reads it.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headgate.api import Money, spoken

_RED, _YELLOW, _GREEN, _CYAN, _DIM, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[36m", "\x1b[2m", "\x1b[0m"
_COLOURS: Final = {2: _GREEN, 3: _CYAN, 4: _YELLOW, 5: _RED}
# A path longer than this hides the rest of its line; the row in the call log has all of it.
PATH_SHOWN: Final = 120

_encoder = msgspec.json.Encoder(enc_hook=str)


def json_line(row: Mapping[str, Any]) -> str:
    """The whole row as one JSON object, with its time also as RFC 3339. JSON escapes what does not print."""
    return _encoder.encode({"time": _stamp(row["at"]), **row}).decode()


def json_remark(text: str) -> str:
    """What is said of the access log itself, as the node's other log lines are said."""
    return _encoder.encode({"time": _stamp(time.time()), "level": "warning", "message": text}).decode()


def text_line(row: Mapping[str, Any], *, colour: bool = False, dated: bool = True) -> str:
    """`12:04:31.204 POST /v1/chat/completions HTTP/2 200 1.24s chat search/k_1 gpt-4.1 12→3 tokens $0.00004 01J…`"""
    status = int(row.get("status") or 0)
    said = spoken(row, _plain)
    parts = [
        _stamp(row["at"]) if dated else _clock(row["at"]),
        _plain(row.get("method")),
        _shortened(_plain(row.get("path"))),
        said.protocol,
        said.upgrade,
        _painted(str(status), _COLOURS.get(status // 100, ""), colour),
        duration(float(row.get("duration_s") or 0.0)),
        _plain(row.get("route") or "-"),
        _who(row),
        _model(row),
        said.grpc,
        said.passed,
        said.close,
        _trouble(row, colour),
        _painted(_plain(row.get("id")), _DIM, colour),
    ]
    return " ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """With the unit that reads best: 412µs, 3.2ms, 1.24s, 2m03s."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f}µs"
    if seconds < 1:
        return f"{seconds * 1e3:.1f}ms"
    if seconds < 60:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s"


def _who(row: Mapping[str, Any]) -> str:
    """Who asked; where there was no request, who was connected."""
    if row.get("method") == "-":
        return _plain(row.get("client"))
    return "/".join(_plain(name) for name in (row.get("team"), row.get("caller")) if name)


def _model(row: Mapping[str, Any]) -> str:
    """On AI calls: the model, the tokens in and out, what it cost, and a ~ where we had to count ourselves."""
    if not row.get("model") or row.get("input_tokens") is None:
        return _plain(row.get("model") or "")
    about = "~" if row.get("estimated") else ""
    cost = row.get("cost")
    money = "" if cost is None else f" {Money(cost)}"
    return f"{_plain(row['model'])} {about}{row['input_tokens']}→{row['output_tokens']} tokens{money}"


def _trouble(row: Mapping[str, Any], colour: bool) -> str:
    """What became of it where that is not `ok`, with the kind of failure; of a failure also what it was."""
    outcome, error = row.get("outcome"), row.get("error")
    if outcome == "ok" and not error:
        return ""
    said = _plain(outcome) if not error else f"{_plain(outcome)} ({_plain(error)})"
    if outcome in ("failed", "cut") and row.get("detail"):
        said = f"{said} {_plain(row['detail'])}"
    return _painted(said, _YELLOW if outcome in ("ok", "refused") else _RED, colour)


def _plain(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else _escaped(text)


def _escaped(text: str) -> str:
    shown = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return f'"{shown}"' if " " in shown else shown


def _shortened(path: str) -> str:
    return path if len(path) <= PATH_SHOWN else f"{path[:PATH_SHOWN]}…"


def _painted(text: str, paint: str, colour: bool) -> str:
    return f"{paint}{text}{_OFF}" if colour and paint else text


def _clock(at: float) -> str:
    """The time of day where the reader is."""
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _stamp(at: float) -> str:
    when = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
