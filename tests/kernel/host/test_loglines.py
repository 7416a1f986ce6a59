"""A line of the log, for people and for machines."""

from __future__ import annotations

import json
import logging
import sys

from headgate.host.loglines import JsonLines, TextLines


def record(message: str, *args: object, level: int = logging.WARNING, exc_info: object = None) -> logging.LogRecord:
    made = logging.LogRecord("headgate", level, __file__, 1, message, args, exc_info)  # type: ignore[arg-type]
    made.created = 1_767_225_600.2
    return made


def test_text_begins_with_its_moment_and_names_the_worker() -> None:
    assert TextLines("w1.ab").format(record("It %s.", "rains")) == "2026-01-01T00:00:00.200Z WARNING [w1.ab] It rains."


def test_json_is_one_object_a_line() -> None:
    line = JsonLines("w1.ab").format(record("two\nlines: %s", "ü\udcff"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.200Z", "level": "warning", "message": "two\nlines: ü\\udcff", "worker": "w1.ab",
    }  # fmt: skip


def test_json_keeps_an_exception_in_its_line() -> None:
    try:
        int("bad\x1b")
    except ValueError:
        line = JsonLines().format(record("It failed.", level=logging.ERROR, exc_info=sys.exc_info()))
    assert line.isprintable()
    said = json.loads(line)
    assert "worker" not in said
    assert said["exception"].endswith("invalid literal for int() with base 10: 'bad\\x1b'")
