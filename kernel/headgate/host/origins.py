"""Where each setting comes from, so that what is wrong with one is said with its place.

error: there is no setting `limits.idle`; did you mean `limits.idle_s`?
 --> headgate.toml:2
  |
2 | idle = 3
  | ^^^^
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

from headgate.errors import SettingsError

PREFIX = "HEADGATE_"
# Options that are not called as their settings are.
_OPTIONS: dict[tuple[str | int, ...], str] = {
    ("tls", "cert"): "the option --cert",
    ("tls", "key"): "the option --key",
    ("policies",): "the argument POLICIES",
}

# A line that may begin a key or a table's head.
_BEGINS: Final = re.compile(r"\s*(\[|[\w\"'-][^=]*=)")

Path = tuple[str | int, ...]


class Origin(Protocol):
    """A file, the environment, or the command line."""

    def place(self, path: Path, /) -> str:
        """Where the setting stands, for people."""

    def name(self, path: Path, /) -> str:
        """What a setting is called there."""


@dataclass(frozen=True, slots=True)
class InFile:
    """A file of settings, and its text."""

    file: str
    text: str = field(repr=False)

    def place(self, path: Path, /) -> str:
        number = line_of(self.text, path)
        if not number:
            return f" --> {self.file}"
        key = str(next(part for part in reversed(path) if isinstance(part, str)))
        return self.line(number, rows_of(self.text)[number - 1].find(key), len(key))

    def line(self, number: int, column: int, length: int = 1) -> str:
        """A line of the file, with carets under what is meant, where that is known."""
        margin = " " * len(str(number))
        rows = [f"{margin}--> {self.file}:{number}", f"{margin} |", f"{number} | {rows_of(self.text)[number - 1]}"]
        if column >= 0:
            rows.append(f"{margin} | {' ' * column}{'^' * length}")
        return "\n".join(rows)

    def name(self, path: Path, /) -> str:
        return f"`{dotted(path)}`"


@dataclass(frozen=True, slots=True)
class InEnvironment:
    """The variables of the environment."""

    def place(self, path: Path, /) -> str:
        return f" --> {variable(path)} in the environment"

    def name(self, path: Path, /) -> str:
        return f"`{dotted(path)}`, {variable(path)} in the environment"


@dataclass(frozen=True, slots=True)
class OnCommandLine:
    """The options of a command."""

    def place(self, path: Path, /) -> str:
        return f" --> {_OPTIONS.get(path) or 'the option --' + str(path[-1]).replace('_', '-')}"

    def name(self, path: Path, /) -> str:
        return f"`{dotted(path)}`"


@dataclass(frozen=True, slots=True)
class Moved:
    """A setting that was set under another path, and is read under this one."""

    origin: Origin
    path: Path

    def place(self, path: Path, /) -> str:
        return self.origin.place(self.path)

    def name(self, path: Path, /) -> str:
        return self.origin.name(path)


@dataclass(slots=True)
class Origins:
    """The origin of each setting that somebody has set, by its path; the last one wins."""

    known: dict[Path, Origin] = field(default_factory=dict)

    def note(self, raw: Mapping[str, Any], origin: Origin) -> None:
        """What is in `raw` comes from there."""
        self.known.update(dict.fromkeys(paths_in(raw), origin))

    def move(self, old: Path, new: Path) -> None:
        """What was set as `old` is read as `new`."""
        found = self.of(old)
        if found is not None:
            self.known[new] = Moved(found[1], old)

    def of(self, path: Path) -> tuple[Path, Origin] | None:
        """The origin of a setting, or of what it is a part of."""
        return next(
            ((path[:end], self.known[path[:end]]) for end in range(len(path), 0, -1) if path[:end] in self.known), None
        )

    def placed(self, message: str, path: Path) -> str:
        """A message, with the place of what it is about, where somebody has set that."""
        found = self.of(path)
        if found is None:
            return message
        known, origin = found
        return f"{message}\n{origin.place(path if isinstance(origin, InFile) else known)}"

    def told(self, error: SettingsError) -> str:
        """An error, with the place of the setting that is to blame."""
        return self.placed(str(error), error.setting)

    def written(self, path: Path) -> Path:
        """What a setting was called where it was set."""
        found = self.of(path)
        return found[1].path if found is not None and isinstance(found[1], Moved) else path

    def called(self, wrong: Path, meant: Path) -> str:
        """What a setting is called where another stands."""
        found = self.of(wrong)
        return f"`{dotted(meant)}`" if found is None else found[1].name(meant)


def paths_in(raw: Mapping[str, Any], within: Path = ()) -> Iterator[Path]:
    """Every table and every key below."""
    for key, value in raw.items():
        yield (*within, key)
        if isinstance(value, Mapping):
            yield from paths_in(value, (*within, key))


def dotted(path: Path) -> str:
    """`tls.certificates[0].cert`"""
    said = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return said.removeprefix(".")


def variable(path: Path) -> str:
    """The variable of the environment for a setting."""
    return PREFIX + "__".join(str(part) for part in path).upper()


def line_of(text: str, path: Path) -> int:
    """The line where a key of a TOML text stands, or the nearest that it is a part of; 0 where there is none."""
    known = _lines_of(text)
    return next((known[path[:end]] for end in range(len(path), 0, -1) if path[:end] in known), 0)


@lru_cache(maxsize=4)
def _lines_of(text: str) -> dict[Path, int]:
    """The line of each key: tomllib tells none, so statements are read one by one, each in the table that it stands in."""
    found: dict[Path, int] = {}
    items: dict[Path, int] = {}
    table: Path = ()
    for number, statement, raw in _statements(text):
        if statement.startswith("["):
            table = _headed(raw, items, many=statement.startswith("[["))
            for end in range(1, len(table) + 1):
                found.setdefault(table[:end], number)
        else:
            for path in paths_within(raw, table):
                found.setdefault(path, number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Line, text and value of each key and each table's head. One goes up to where it can be read, for a line of a text of
    several may look like a beginning."""
    lines = rows_of(text)
    begins = [number for number, line in enumerate(lines) if _BEGINS.match(line)]
    begun: int | None = None
    for here, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        begun = here if begun is None else begun
        statement = "\n".join(lines[begun:end]).lstrip()
        try:
            raw = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield begun + 1, statement, raw
        begun = None


def _headed(raw: Mapping[str, Any], items: dict[Path, int], *, many: bool) -> Path:
    """The path of the table under a head; `items` counts those of lists."""
    keys: list[str] = []
    while isinstance(raw, Mapping) and raw:
        ((key, raw),) = raw.items()
        keys.append(key)
    path: Path = ()
    for place, key in enumerate(keys, 1):
        path = (*path, key)
        if many and place == len(keys):
            items[path] = items.get(path, 0) + 1
        if path in items:
            path = (*path, items[path] - 1)
    return path


def rows_of(text: str) -> list[str]:
    """The lines of a TOML text."""
    return text.replace("\r\n", "\n").split("\n")


def paths_within(value: Any, within: Path) -> Iterator[Path]:
    """Every key and every place of a list, at any depth."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*within, key)
        yield from paths_within(one, (*within, key))
