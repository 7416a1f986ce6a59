"""The lines of a node's log on stderr: text for people, or one JSON object each for machines (`log_format`).

The moment comes first, in UTC, to the millisecond, as in the lines of the access log.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec


class TextLines(logging.Formatter):
    """`2026-01-01T12:04:31.204Z WARNING [w1.1f3a] …`"""

    def __init__(self, worker: str = "") -> None:
        super().__init__(f"%(asctime)s %(levelname)s {f'[{worker}] ' if worker else ''}%(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return stamp(record.created)


class JsonLines(logging.Formatter):
    """`{"time": …, "level": "warning", "message": …, "worker": "w1.1f3a", "exception": …}`; the last two where there are any."""

    def __init__(self, worker: str = "") -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": stamp(record.created), "level": record.levelname.lower(), "message": record.getMessage()
        }  # fmt: skip
        if self._worker:
            said["worker"] = self._worker
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        # A lone surrogate is what a path may hold that is no UTF-8.
        return msgspec.json.encode({name: _printable(value) for name, value in said.items()}).decode()


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def stamp(at: float) -> str:
    """Seconds since 1970 as RFC 3339."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_to_stderr(worker: str = "", *, as_json: bool = False) -> None:
    """From now on all log lines of this process look like that; those of a worker have its name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(worker) if as_json else TextLines(worker))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(as_json)  # of Python's own making, which would be two lines of text
    logging.getLogger("httpx").setLevel(logging.WARNING)
