"""Policies on disk: which files there are, and what checking them says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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

    A link that leads nowhere is one of them: reading it says so. SettingsError where there is none, or where a folder cannot
    be looked into: a wrong path must not look like policies without errors, nor half of them like all.
    """
    if root.is_file():
        return [root.name]
    files = _visible(root, _refuse)
    found = sorted(file.relative_to(root).as_posix() for file in files if file.is_file() or file.is_symlink())
    if not found:
        raise SettingsError(
            f"{root} holds no .policy file" if root.exists() else f"there is no file or folder {root}", "policies"
        )
    return found


def _visible(root: Path, failed: Callable[[OSError], None] | None = None) -> Iterator[Path]:
    """Policies below `root`, without names that begin with a dot: editors' copies, and the real folders behind the
    links of a mounted ConfigMap. `failed` hears of folders that cannot be looked into."""
    for folder, folders, files in os.walk(root, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name.endswith(".policy") and not name.startswith("."))


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # what vanishes while it is listed is not there
        raise SettingsError(f"{error.filename} cannot be looked into: {error.strerror}") from error


def stamps(root: Path) -> Stamps:
    """What tells one state of the files from another: each with its time, its size and its number on the disk."""
    files = [root] if root.is_file() else list(_visible(root))
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
        found = _read(base, name)
        if isinstance(found, Diagnostic):
            unreadable.append(found)
            return None
        return found

    loaded = load(policy_files(root), read, remembered.parsed if remembered is not None else None)
    loaded.findings.extend(unreadable)
    return Reading(root, check(loaded, vocabulary), loaded.sources)


def _read(base: Path, name: str) -> str | Diagnostic | None:
    """The text of a file, or why it cannot be read; None where there is none."""
    file, line = base / name, 1
    try:
        if file.resolve().is_relative_to(base.resolve()):
            return file.read_bytes().decode("utf-8")
        message = "the file is a link that leads out of the folder of the policies"
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"the file is not UTF-8: {error.reason} at byte {error.start}"
    except FileNotFoundError:
        if not file.is_symlink():
            return None
        message = f"the file is a link to {os.readlink(file)}, which is not there"
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
    return Diagnostic("E001", message, Span(name, line, 1, line, 1))


def compile_policies(reading: Reading, remembered: Remembered | None = None) -> Program:
    """The program of a set that may serve; PolicyError with every finding otherwise."""
    if reading.checked.errors:
        raise PolicyError(reading.checked.findings, reading.sources)
    return compile_program(reading.checked, remembered)
