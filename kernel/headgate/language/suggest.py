"""Did you mean …? The nearest of the names that would have done."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` was probably meant to be, or None where none is near.

    Near is: other capitals or separators, two letters swapped, or one mistake for every three letters.
    """
    allowed = max(1, len(name) // 3) if len(name) > 1 else 0
    best: tuple[int, str] | None = None
    for candidate in sorted(set(candidates) - {name}):
        if _bare(candidate) == _bare(name):
            return candidate
        if abs(len(candidate) - len(name)) > allowed:
            continue
        far = distance(name.lower(), candidate.lower())
        if far <= allowed and (best is None or far < best[0]):
            best = (far, candidate)
    return best[1] if best else None


def distance(one: str, other: str) -> int:
    """How many letters to add, drop, change or swap with their neighbour (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row, above = [i], rows[-1]
        for j, wanted in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
