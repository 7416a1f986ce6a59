"""The tables of the grammar are kept for the next start, and only read where nobody else can have written them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.language.parse import grammar, parse
from headgate.language.source import Source


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grammar.tables.cache_clear()
    yield tmp_path / "headgate"
    grammar.tables.cache_clear()


def parses() -> bool:
    grammar.tables.cache_clear()
    return parse(Source("x", "policy 1\nconst a = 1\n"))[1] == []


def test_the_tables_are_kept_and_read_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parses()
    (file,) = kept.iterdir()
    assert file.parent.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(grammar, "_build", None)  # a second building would fail
    assert parses()


def test_a_damaged_file_is_built_anew(kept: Path) -> None:
    assert parses()
    (file,) = kept.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert parses()


def test_a_file_that_others_can_write_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parses()
    (file,) = kept.iterdir()
    file.chmod(0o666)
    monkeypatch.setattr(grammar.lark.Lark, "load", lambda stream: pytest.fail("read what others can write"))
    assert parses()


def test_a_folder_that_cannot_be_made_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert parses()
    grammar.tables.cache_clear()
