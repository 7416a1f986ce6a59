"""Settings into their shapes, and what is wrong with them in words: all of it at once, each with its place.

error: `workers` must be a whole number, 0 or more; it is "x"
 --> HEADGATE_WORKERS in the environment
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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


def read_tables(raw: Mapping[str, Any], shapes: Mapping[str, Any], origins: Origins) -> dict[str, Any]:
    """Each key as the type that `shapes` has for it; those that are not there are left out. SettingsError with all that is
    wrong."""
    names = {f"f{number}": name for number, name in enumerate(shapes)}
    root = msgspec.defstruct(
        "Root", [(field, shapes[name], msgspec.UNSET) for field, name in names.items()], rename=names, kw_only=True
    )
    reading = _Reading(msgspec.inspect.type_info(root), origins)
    kept = reading.without_strangers(raw)
    while True:
        try:
            made = msgspec.convert(kept, root, strict=False)
            break
        except msgspec.ValidationError as error:
            del kept[reading.unfit(str(error), kept)]
    if reading.wrong:
        raise SettingsError("\n\nerror: ".join(reading.wrong))
    found = {name: getattr(made, field) for field, name in names.items()}
    return {name: value for name, value in found.items() if value is not msgspec.UNSET}


class _Reading:
    """What is found wrong on the way."""

    def __init__(self, root: Any, origins: Origins) -> None:
        self._root = root
        self._origins = origins
        self.wrong: list[str] = []

    def without_strangers(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The keys in which everything is known. The others are complained of."""
        kept = dict(raw)
        for path in strangers(self._root, raw):
            self._complain(self._unknown(path), path)
            kept.pop(str(path[0]), None)
        return kept

    def unfit(self, message: str, raw: Mapping[str, Any]) -> str:
        """Complain of a value that is none; its key."""
        what, path, inner = _read(message)
        kind = kind_at(self._root, path)
        missing = _MISSING.match(what)
        named = what.partition(" ")[0]
        if inner:
            said = f"`{dotted(path)}`: {inner}: {_begun(what)}"
        elif missing is not None:
            said = f"`{dotted(path)}` needs `{missing[1]}`"
        elif named in names_in(kind):  # a table that checks itself names the key
            path = (*path, named)
            said = f"`{dotted(path)}` {what.removeprefix(named).lstrip()}"
        else:
            said = self._unlike(what, wanted(kind), path, _value_at(raw, path))
        self._complain(said, path)
        return str(path[0])

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
