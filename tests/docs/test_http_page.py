"""The page about HTTP names a test for each rule, each of these tests exists, and no script is left out."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "http.md").read_text(encoding="utf-8")
# Tables of rules end with what shows each; other tables do not.
TABLES = re.findall(r"^\|[^\n]*\| Shown by \|\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", PAGE, re.MULTILINE)
ROWS = [row for table in TABLES for row in table.splitlines()]
SHOWN = re.compile(r"`(test_\w+|[a-z0-9*-]+\.http)`")


def test_every_rule_names_what_shows_it() -> None:
    assert len(ROWS) > 110
    assert [row for row in ROWS if not SHOWN.search(row.rpartition("|")[0].rpartition("|")[2])] == []


def test_every_rule_stands_once() -> None:
    rules = [row.split("|")[1].strip() for row in ROWS]
    assert len(rules) == len(set(rules))


def test_every_test_that_the_page_names_exists() -> None:
    names = {name for name in SHOWN.findall(PAGE) if name.startswith("test_")}
    written = "\n".join(file.read_text(encoding="utf-8") for file in TESTS.rglob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)\(", written))
    assert names - defined == set()


def test_every_script_is_named_and_every_name_is_a_script() -> None:
    patterns = {name for name in SHOWN.findall(PAGE) if name.endswith(".http")}
    scripts = {file.name for file in (TESTS / "wire" / "scripts").glob("*.http")}
    assert [pattern for pattern in patterns if not any(fnmatch(script, pattern) for script in scripts)] == []
    assert [script for script in sorted(scripts) if not any(fnmatch(script, pattern) for pattern in patterns)] == []
