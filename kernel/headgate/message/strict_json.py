"""JSON read so that no other reader can take it for something else.

What is authorised is what is forwarded: parsers differ in which of two equal keys they take, in whether `Model` is
`model`, in numbers beyond 64 bits. What leaves room for that is refused here, with the place and the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from math import isinf
from typing import Any, Final, NoReturn

# RFC 8259 §2
_BLANKS: Final = " \t\n\r"


class NotStrict(ValueError):
    """Why a text is not taken. `where` is the field, or empty for the whole."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


def decode_strictly(data: bytes) -> Any:
    """A JSON text as Python values. NotStrict."""
    try:
        value = _decoded(data.decode())
        if b"\\ud" in data or b"\\uD" in data:
            # Half of a surrogate pair is no character: readers replace it, drop it, or fail.
            json.dumps(value, ensure_ascii=False).encode()
    except NotStrict:
        raise
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise NotStrict(f"The body is not valid UTF-8: {error.reason}.") from None
    except RecursionError:
        raise NotStrict("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise NotStrict(
            f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None
    return value


def refuse_lookalikes(names: Iterable[str], known: frozenset[str], where: str = "") -> None:
    """NotStrict where a name is a known one in another case: a reader that ignores case would take it for that."""
    for name in names:
        if name not in known and name.casefold() in known:
            place = f"{where}.{name}" if where else name
            raise NotStrict(f"`{place}` looks like `{name.casefold()}`; names are case-sensitive.", place)


def _decoded(text: str) -> Any:
    try:
        value, end = _scan(text, 0)
        if end == len(text) or not text[end:].strip(_BLANKS):
            return value
    except StopIteration:
        pass
    # There are blanks before it, or it is wrong.
    return _decoder.decode(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotStrict(f"The key `{twice}` is given twice; give it once.", twice)
    return value


def _constant(text: str) -> NoReturn:
    raise NotStrict(f"{text} is not JSON.")


def _int(text: str) -> int:
    if len(text) > 19:
        raise NotStrict(f"The number {text[:24]} has more than 64 bits.")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise NotStrict(f"The number {text[:24]} is too large.")
    return value


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_int, parse_float=_float)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]
