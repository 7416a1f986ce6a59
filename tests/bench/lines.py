"""A line of points in a frame, from zero. SVG by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 820, 300, 60, 20, 40, 40
_STEPS = (1, 2, 5)
# More than that cannot be seen.
_MOST = 800


def drawn(points: Sequence[tuple[float, float]], title: str) -> str:
    """The picture; both axes begin at 0, so that what is flat looks flat."""
    most_x, most_y = max((x for x, _ in points), default=0) or 1.0, 1.1 * max((y for _, y in points), default=0) or 1.0
    thin = points[:: max(1, len(points) // _MOST)]

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + x / most_x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text x="{LEFT}" y="20" font-weight="bold">{escape(title)}</text>']
    for y in ticks(most_y):
        _, down = at(0, y)
        parts.append(f'<line x1="{LEFT}" y1="{down:.1f}" x2="{WIDTH - RIGHT}" y2="{down:.1f}" stroke="#dde2e7"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{down + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in ticks(most_x):
        across, down = at(x, 0)
        parts.append(f'<text x="{across:.1f}" y="{down + 18:.1f}" text-anchor="middle">{x:g}</text>')
    line = " ".join(f"{across:.1f},{down:.1f}" for across, down in (at(x, y) for x, y in thin))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#0b6e4f" stroke-width="2"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts) + "\n</svg>\n"
    )  # fmt: skip


def ticks(most: float, about: int = 5) -> list[float]:
    """Round numbers from 0 to `most`, some five of them."""
    power = 10.0**-9
    while True:
        for step in _STEPS:
            if most / (step * power) <= about:
                return [round(step * power * number, 9) for number in range(int(most / (step * power)) + 1)]
        power *= 10
