"""Fields of a chat that may raise its bill beyond what its tokens cost: tools in disguise, faster machines, what is kept
elsewhere and read again. Pure.

1. Nobody can list them: providers add some every month. So each dialect lists the fields that leave the bill as it is
   (`Speaks.harmless`), and any other may raise it.
2. A name stands for the field with all that is in it, `output_config.effort` for one field inside of another, and
   `speed=standard` for a field with that value alone.
3. Fields that only the client's dialect has reach a provider of that dialect, and of one that stands on it. For any other
   they are left out, and cost nothing.
4. Which tier serves the request every dialect can say, and for all it is so that an unknown one may be a dearer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any, Final, NamedTuple

from headgate.api.ai import Content

_THINKING: Final = "thinking."
# The usual, which is what a request gets that does not say.
_USUAL: Final = frozenset({"service_tier=auto", "service_tier=default"})


class Wire(NamedTuple):
    """What reaches a provider: the fields that leave its bill alone, and whether the client's `own` fields pass."""

    harmless: Set[str] = frozenset()
    own: bool = True


def raising(content: Content, wire: Wire) -> str | None:
    """The first field that may raise the bill, by the client's name for it; None where there is none."""
    known = wire.harmless | _USUAL
    if content.service_tier is not None and f"service_tier={content.service_tier}" not in known:
        return "service_tier"
    if content.audio is not None or any(one != "text" for one in content.modalities or ()):
        return "modalities"
    if not wire.own:
        return None
    thinking = content.thinking.extra if content.thinking is not None else {}
    own = next(iter(_unknown(content.extra, "", known)), None)
    # The client has no field around these that would be called so.
    thought = next(iter(_unknown(thinking, _THINKING, known)), "").removeprefix(_THINKING)
    return own or thought or None


def _unknown(fields: dict[str, Any], above: str, known: Set[str]) -> Iterable[str]:
    for name, value in fields.items():
        place = f"{above}{name}"
        if value is None or place in known or (isinstance(value, str) and f"{place}={value}" in known):
            continue
        inside = isinstance(value, dict) and any(one.startswith(f"{place}.") for one in known)
        yield from _unknown(value, f"{place}.", known) if inside else (place,)
