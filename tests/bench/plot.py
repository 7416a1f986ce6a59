"""The picture: what a request costs each gateway, in processor time, as bars on a logarithmic scale. SVG by hand."""

from __future__ import annotations

import math
from html import escape

from tests.bench.cases import CASES, Case
from tests.bench.ratios import median
from tests.bench.runs import Measured

SHOWN = ("rest-small-32", "rest-big-32", "tls-small-32", "chat-32", "stream-32")
WIDTH, LEFT, RIGHT, BAR, GAP, TITLE = 820, 170, 90, 16, 6, 34
OURS, THEIRS = "#0b6e4f", "#9aa5b1"


def svg(measured: Measured) -> str:
    """One block for each case, its gateways from cheap to dear."""
    blocks = [(case, _bars(measured, case)) for case in CASES if case.name in SHOWN]
    blocks = [(case, bars) for case, bars in blocks if bars]
    costs = [cost for _, bars in blocks for _, cost in bars]
    scale = _Scale(min(costs, default=1.0), max(costs, default=10.0))
    parts, top = [], 30
    for case, bars in blocks:
        parts.append(_text(LEFT, top + 16, case.title, weight="bold"))
        top += TITLE - 8
        for peer, cost in bars:
            parts.append(_bar(top, peer, cost, scale, ours=peer == case.subject))
            top += BAR + GAP
        top += 14
    head = _text(LEFT, 18, "Processor time for an answer (streams: for an event), µs, logarithmic; less is better")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join([head, *parts]) + "\n</svg>\n"
    )  # fmt: skip


class _Scale:
    """From microseconds to pixels. It begins at the power of ten below the least."""

    def __init__(self, least: float, most: float) -> None:
        self.low = math.floor(math.log10(least))
        self.span = max(1e-9, math.log10(most) - self.low)

    def __call__(self, value: float) -> float:
        return max(1.0, (math.log10(value) - self.low) / self.span * (WIDTH - LEFT - RIGHT))


def _bars(measured: Measured, case: Case) -> list[tuple[str, float]]:
    found = [(peer, median(measured.of(case.name, peer), lambda run: run.cpu_us)) for peer in case.peers]
    return sorted(((peer, cost) for peer, cost in found if cost), key=lambda bar: bar[1])


def _bar(top: int, peer: str, cost: float, scale: _Scale, *, ours: bool) -> str:
    width = scale(cost)
    return "".join(
        [
            _text(LEFT - 8, top + 12, peer, anchor="end"),
            f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{OURS if ours else THEIRS}"/>',
            _text(LEFT + width + 6, top + 12, f"{cost:,.0f}" if cost >= 10 else f"{cost:.1f}"),
        ]
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
