"""Settings into their shapes, and what is wrong with them in words: all of it at once, each with its place.

error: `workers` must be a whole number, 0 or more; it is "x"
 --> HEADGATE_WORKERS in the environment
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import msgspec

from headgate.errors import InternalError, SettingsError
from headgate.host.origins import Origins, Path, dotted
from headgate.host.wanted import kind_at, names_in, shown, strangers, wanted
from headgate.language.suggest import suggest

# As msgspec says where something is: `$.tls.certificates[0].cert`; of a table with any keys `$.a[...]`, or `key` in `$.a`.
_AT: Final = re.compile(r"(?P<what>.*) - at (?P<key>`key` in )?`\$(?P<where>.*?)(?P<inner>\[\.\.\.\].*)?`", re.DOTALL)
_PART: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
# What it says of a value of another kind, or out of bounds. What else it says, and what a table says that checks itself, has
# more in it than the kind.
_KIND: Final = re.compile(r"Expected `[^`]*`, got `[^`]*`|Expected `(int|float)` [<>]=? .*|Invalid enum value .*")

# How it begins, as against what a table says that checks itself.
_SAYS: Final = re.compile(r"Expected `|Object |Invalid |\w+ (value )?(is )?out of range")


def read_tables(raw: Mapping[str, Any], shapes: Mapping[str, Any], origins: Origins) -> dict[str, Any]:
    """Each key as the type that `shapes` has for it; those that are not there are left out. SettingsError with all that is
    wrong."""
    found, wrong = tables_in(raw, shapes, origins)
    if wrong:
        raise SettingsError(in_one(wrong))
    return found


def in_one(wrong: Sequence[str]) -> str:
    """Several errors as the text of one."""
    return "\n\nerror: ".join(wrong)


def tables_in(raw: Mapping[str, Any], shapes: Mapping[str, Any], origins: Origins) -> tuple[dict[str, Any], list[str]]:
    """The keys with which nothing is wrong, as their types, and all that is wrong with the others."""
    names = {f"f{number}": name for number, name in enumerate(shapes)}
    root = msgspec.defstruct(
        "Root", [(field, shapes[name], msgspec.UNSET) for field, name in names.items()], rename=names, kw_only=True
    )
    reading = _Reading(msgspec.inspect.type_info(root), origins, raw)
    while True:
        try:
            made = msgspec.convert(reading.left, root, strict=False)
            break
        except msgspec.ValidationError as error:
            reading.set_aside(str(error))
    found = {name: getattr(made, field) for field, name in names.items() if name not in reading.spoiled}
    return {name: value for name, value in found.items() if value is not msgspec.UNSET}, reading.wrong


class _Reading:
    """What is found wrong on the way, and what is `left` to read without it.

    What is wrong is taken out, and the rest is read once more. A table that is `spoiled` by that is not asked what it says of
    itself as a whole: that was to be about all of it.
    """

    def __init__(self, root: Any, origins: Origins, raw: Mapping[str, Any]) -> None:
        self._root = root
        self._origins = origins
        self.left: dict[str, Any] = deepcopy(dict(raw))
        self.wrong: list[str] = []
        self.spoiled: set[str | int] = set()
        for path in list(strangers(root, raw)):
            self._complain(self._unknown(path), path)
            self._take_out(path)

    def set_aside(self, message: str) -> None:
        """Complain of a value that is none."""
        what, path, inner = _read(message)
        kind = kind_at(self._root, path)
        missing = _MISSING.match(what)
        named = what.partition(" ")[0]
        if inner:
            said = f"`{dotted(path)}`: {inner}: {_begun(what)}"
        elif named in names_in(kind):  # a table that checks itself names the key
            path = (*path, named)
            said = f"`{dotted(path)}` {what.removeprefix(named).lstrip()}"
        elif path[0] in self.spoiled and (missing is not None or not _SAYS.match(what)):
            said = ""
        elif missing is not None:
            said = f"`{dotted(path)}` needs `{missing[1]}`"
        else:
            said = self._unlike(what, wanted(kind), path, _value_at(self.left, path))
        if said:
            self._complain(said, path)
        if not self._take_out(path):  # it complains of what nobody has set
            del self.left[str(path[0])]

    def _take_out(self, path: Path) -> bool:
        """Whether it was there. Of a list all goes: the numbers of its items are to stay those of the file."""
        self.spoiled.add(path[0])
        *within, name = itertools.takewhile(lambda part: isinstance(part, str), path)
        table = _value_at(self.left, tuple(within))
        return table.pop(name, msgspec.UNSET) is not msgspec.UNSET

    def _unlike(self, what: str, kind: str, path: Path, value: Any) -> str:
        called = f"`{dotted(self._origins.written(path))}`"
        if kind and _KIND.fullmatch(what):
            return f"{called} must be {kind}; it is {shown(value)}"
        it_is = "" if isinstance(value, dict | list) else f"; it is {shown(value)}"
        return f"{called}: {_begun(what)}{it_is}"

    def _complain(self, said: str, path: Path) -> None:
        self.wrong.append(self._origins.placed(said, path))

    def _unknown(self, path: Path) -> str:
        siblings = names_in(kind_at(self._root, path[:-1]))
        meant = self._meant(path, siblings)
        if meant is None:
            hint = f"known: {', '.join(dotted((*path[:-1], name)) for name in sorted(siblings))}"
        else:
            hint = f"did you mean {self._origins.called(path, meant)}?"
        return f"there is no setting `{dotted(path)}`; {hint}"

    def _meant(self, path: Path, siblings: list[str]) -> Path | None:
        """The same name in another table, the nearest one beside it, or one that it begins."""
        *within, name = path
        same: list[Path] = [
            (top, str(name)) for top in names_in(self._root) if name in names_in(kind_at(self._root, (top,)))
        ]
        if name in names_in(self._root):
            same.append((name,))
        if len(same) == 1:
            return same[0]
        near = suggest(dotted(path), [dotted((*within, one)) for one in siblings])
        if near is not None:
            return (*within, near.rpartition(".")[2])
        longer = [one for one in siblings if one.startswith(f"{name}_")]
        return (*within, longer[0]) if len(longer) == 1 else None


def _read(message: str) -> tuple[str, Path, str]:
    """What msgspec says, of which setting, and of what in it, where it does not tell which."""
    at = _AT.fullmatch(message)
    if at is None:
        raise InternalError(f"msgspec says where in other words: {message}")
    path = tuple(int(place) if place else key for key, place in _PART.findall(at["where"]))
    return at["what"], path, "one of its values" if at["inner"] else "one of its keys" if at["key"] else ""


def _begun(what: str) -> str:
    """As it goes on behind a colon."""
    return what[:1].lower() + what[1:] if what.startswith(("Expected ", "Object ", "Invalid ")) else what


def _value_at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
