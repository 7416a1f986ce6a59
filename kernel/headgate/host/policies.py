"""Policies on disk: which files there are, and what checking them says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headgate.errors import PolicyError, SettingsError
from headgate.language.check.modules import load
from headgate.language.check.result import Checked
from headgate.language.check.run import check
from headgate.language.diagnostics import Diagnostic
from headgate.language.emit import Program, compile_program
from headgate.language.remembered import Remembered
from headgate.language.source import Source, Span
from headgate.language.vocabulary import Vocabulary

Stamps = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A set of policies as it was found: what the check says, and the text of every file for showing findings."""

    root: Path
    checked: Checked
    sources: dict[str, Source]

    def __repr__(self) -> str:
        return f"<Reading {self.root} [{len(self.sources)} files, {len(self.checked.errors)} errors]>"


def policy_files(root: Path) -> list[str]:
    """Every `.policy` file under `root`, by its path from there, in a stable order; `root` may be one file.

    SettingsError where there is none: a wrong path must not look like policies without errors.
    """
    if root.is_file():
        return [root.name]
    found = sorted(file.relative_to(root).as_posix() for file in _visible(root) if file.is_file())
    if not found:
        raise SettingsError(f"{root} holds no .policy file" if root.exists() else f"there is no file or folder {root}")
    return found


def _visible(root: Path) -> list[Path]:
    """Policies below `root`, without names that begin with a dot: editors' copies, and the real folders behind the
    links of a mounted ConfigMap. What vanishes while it is listed is not there."""
    try:
        files = list(root.rglob("*.policy"))
    except OSError:
        return []
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(root).parts)]


def stamps(root: Path) -> Stamps:
    """What tells one state of the files from another: each with its time, its size and its number on the disk."""
    files = [root] if root.is_file() else _visible(root)
    found = set()
    for file in files:
        with suppress(OSError):  # gone since it was listed
            about = file.stat()
            found.add((str(file), about.st_mtime_ns, about.st_size, about.st_ino))
    return frozenset(found)


def read_policies(root: Path, vocabulary: Vocabulary, remembered: Remembered | None = None) -> Reading:
    """Read and check a file or a folder of policies. What is wrong with them is in `checked.findings`.

    What is remembered of a file that is the same is not done again.
    """
    base = root.parent if root.is_file() else root

    unreadable: list[Diagnostic] = []

    def read(name: str) -> str | None:
        try:
            file = base / name
            if not file.resolve().is_relative_to(base.resolve()):
                return None  # a link that leads out of the folder
            return file.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            message = f"the file is not UTF-8: {error.reason} at byte {error.start}"
            unreadable.append(Diagnostic("E001", message, Span(name, line, 1, line, 1)))
            return None
        except OSError:
            return None

    loaded = load(policy_files(root), read, remembered.parsed if remembered is not None else None)
    loaded.findings.extend(unreadable)
    return Reading(root, check(loaded, vocabulary), loaded.sources)


def compile_policies(reading: Reading, remembered: Remembered | None = None) -> Program:
    """The program of a set that may serve; PolicyError with every finding otherwise."""
    if reading.checked.errors:
        raise PolicyError(reading.checked.findings, reading.sources)
    return compile_program(reading.checked, remembered)
