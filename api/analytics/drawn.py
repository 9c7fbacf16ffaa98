"""Small pictures for a report, as SVG inside HTML: no styles of their own, no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from api.analytics.figures import Association, Box, Histogram

WIDTH, HEIGHT = 320, 84
CELL, NAMES = 26, 150


def bars(counts: Sequence[int], name: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    """Counts beside each other."""
    most = max(counts, default=0) or 1
    step = width / max(len(counts), 1)
    drawn = "".join(
        f'<rect class="bar" x="{number * step + step * 0.05:.1f}" y="{height - tall:.1f}"'
        f' width="{step * 0.9:.2f}" height="{tall:.1f}"/>'
        for number, count in enumerate(counts)
        if (tall := height * count / most) > 0
    )
    return _picture(drawn, name, width, height)


def histogram(told: Histogram, name: str) -> str:
    """A histogram."""
    return bars(told.counts, name)


def box(told: Box, name: str, width: int = WIDTH) -> str:
    """A box plot lying on its side, from whisker to whisker."""
    reach = told.high - told.low
    if reach <= 0:
        return ""

    def at(value: float) -> float:
        return 4 + (width - 8) * (value - told.low) / reach

    low, q1, middle, q3, high = map(at, (told.low, told.q1, told.median, told.q3, told.high))
    lines = [(low, 12, q1, 12), (q3, 12, high, 12), (low, 6, low, 18), (high, 6, high, 18)]
    drawn = "".join(
        f'<line class="line" x1="{a:.1f}" y1="{b}" x2="{c:.1f}" y2="{d}"/>' for a, b, c, d in lines
    )
    drawn += f'<rect class="box" x="{q1:.1f}" y="3" width="{max(q3 - q1, 1):.1f}" height="18"/>'
    drawn += f'<line class="middle" x1="{middle:.1f}" y1="3" x2="{middle:.1f}" y2="21"/>'
    return _picture(drawn, name, width, 24)


def matrix(names: Sequence[str], pairs: Sequence[Association], name: str) -> str:
    """Associations of each column with each other, the darker the closer; two hues by sign."""
    known = {(one.a, one.b): one.value for one in pairs}
    known |= {(b, a): value for (a, b), value in known.items()}
    drawn = []
    for row, a in enumerate(names):
        y = row * CELL
        drawn.append(
            f'<text x="{NAMES - 6}" y="{y + CELL * 0.65:.0f}" text-anchor="end">{_short(a)}</text>'
        )
        for column, b in enumerate(names):
            value = 1.0 if a == b else known.get((a, b))
            if value is not None:
                drawn.append(_cell(NAMES + column * CELL, y, value, f"{a}, {b}: {value:.2f}"))
    size = len(names) * CELL
    return _picture("".join(drawn), name, NAMES + size, size)


def _cell(x: int, y: int, value: float, told: str) -> str:
    hue = "with" if value >= 0 else "against"
    return (
        f'<rect class="{hue}" x="{x}" y="{y}" width="{CELL - 2}" height="{CELL - 2}"'
        f' fill-opacity="{max(0.06, abs(value)):.2f}"><title>{escape(told)}</title></rect>'
    )


def _short(name: str) -> str:
    return escape(name if len(name) <= 22 else f"{name[:21]}…")


def _picture(drawn: str, name: str, width: int, height: int) -> str:
    return (
        f'<svg role="img" aria-label="{escape(name)}" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}">{drawn}</svg>'
    )
