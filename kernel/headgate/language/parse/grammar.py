"""Lark, and nothing else of the language: the one file that knows it.

The tables of the grammar take 0.1 s to build, so they are built once a process, at first use, and kept in the user's
cache folder (`$XDG_CACHE_HOME` or `~/.cache`, then `headgate/`). The kept file is a pickle, so it is read only where
nobody but this user can have written it; what cannot be read or kept is built anew, silently.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import lark

Tree = lark.Tree[lark.Token]
STARTS = ["edition", "item", "hole", "block", "tblock"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Where reading stopped, for lack of one of `expected` (names of terminals), at the token `at`.

    `at` is "" at the end of the text, `at_type` is "" where no token begins. Offsets count within the text read.
    """

    offset: int
    end: int
    at: str
    at_type: str
    expected: frozenset[str]


def read(text: str, start: str) -> Tree | Failure:
    """The parse tree of a scanned text from one of `STARTS`, or where it went wrong."""
    try:
        return tables().parse(text, start)
    except lark.UnexpectedCharacters as error:
        offset = error.pos_in_stream or 0
        return Failure(offset, offset + 1, text[offset : offset + 1], "", frozenset(error.allowed or ()))
    except lark.UnexpectedToken as error:
        token = error.token
        if token.type == "$END" or token.start_pos is None:
            return Failure(len(text), len(text), "", "$END", frozenset(error.accepts or error.expected))
        end = token.end_pos or token.start_pos + 1
        return Failure(token.start_pos, end, str(token), token.type, frozenset(error.accepts or error.expected))


@functools.cache
def tables() -> lark.Lark:
    """The grammar's tables: kept ones if there are any, else built now and kept."""
    grammar = files("headgate.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    kept = _kept_file(grammar)
    return _load(kept) or _build(grammar, kept)


def _build(grammar: str, kept: Path | None) -> lark.Lark:
    built = lark.Lark(
        grammar, parser="lalr", lexer="contextual", start=STARTS, propagate_positions=True, maybe_placeholders=True
    )
    if kept is not None:
        _keep(built, kept)
    return built


def _kept_file(grammar: str) -> Path | None:
    version = f"{lark.__version__} {sys.version} {STARTS}"
    name = hashlib.sha256((version + grammar).encode()).hexdigest()[:32]
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headgate"
    except RuntimeError:  # a user without a home
        return None
    return folder / f"grammar-{name}.bin" if folder.is_absolute() else None


def _ours_alone(path: Path) -> bool:
    """Whether only this user can write there; not following links."""
    found = path.lstat()
    return not stat.S_ISLNK(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _load(kept: Path | None) -> lark.Lark | None:
    try:
        if kept is None or not (_ours_alone(kept.parent) and _ours_alone(kept)):
            return None
        with kept.open("rb") as stream:
            return lark.Lark.load(stream)
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, ValueError, TypeError, LookupError):
        return None


def _keep(built: lark.Lark, kept: Path) -> None:
    """Write beside, then rename: no other process ever reads half a file."""
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours_alone(kept.parent):
            return
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            beside = Path(folder) / kept.name
            with beside.open("wb") as stream:
                built.save(stream)
            os.replace(beside, kept)
    except OSError:  # a full or read-only disk: the next process builds again
        return
