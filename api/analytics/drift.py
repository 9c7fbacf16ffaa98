"""How far the rows of one window are from those of another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from api.analytics.figures import Window, Windows
from api.analytics.numbers import moment
from api.analytics.taken import TABLE, Taken

WEEK = timedelta(days=7).total_seconds()
CELLS = 10
FEWEST = 200
"""Rows that a window must have to be compared."""

MODERATE, STRONG = 0.1, 0.25
"""What population stability indices are usually taken to mean."""

NOTHING = ("false", "false")


def windows(taken: Taken, first: float, last: float) -> Windows | None:
    """The newest week and the one before it, or the two halves of a shorter time; None where
    either has too few rows."""
    length = WEEK if last - first >= 2 * WEEK else (last - first) / 2
    if length <= 0:
        return None
    start, middle = last - 2 * length, last - length
    before, recent = taken.one(
        f"SELECT count(*) FILTER ({_between(taken, start, middle)}),"
        f" count(*) FILTER ({_between(taken, middle, None)}) FROM {TABLE}"
    )
    if min(before, recent) < FEWEST:
        return None
    return Windows(
        Window(moment(start), moment(middle), before), Window(moment(middle), moment(last), recent)
    )


def conditions(taken: Taken, found: Windows | None) -> tuple[str, str]:
    """What rows of the two windows fulfil, as SQL."""
    if found is None:
        return NOTHING
    start, middle = found.before.since.timestamp(), found.recent.since.timestamp()
    return _between(taken, start, middle), _between(taken, middle, None)


def _between(taken: Taken, since: float, until: float | None) -> str:
    name = taken.time.short
    held = f"{name} >= {since!r}"
    return held if until is None else f"{held} AND {name} < {until!r}"


def stability_index(before: Sequence[int], recent: Sequence[int]) -> float | None:
    """The population stability index of two distributions over the same cells.

    Neighbouring cells are put together until each has a tenth of the rows before; half a row is
    added to each. None where either has too few rows. Siddiqi, Credit Risk Scorecards (2006).
    """
    if min(sum(before), sum(recent)) < FEWEST:
        return None
    cells = _together(before, recent)
    b, r = (sum(cell[side] for cell in cells) + 0.5 * len(cells) for side in (0, 1))
    shares = [((x + 0.5) / b, (y + 0.5) / r) for x, y in cells]
    return sum((y - x) * math.log(y / x) for x, y in shares)


def noise(before: int, recent: int, cells: int = CELLS) -> float:
    """What the index of two samples of one distribution is about, times three."""
    return 3 * (cells - 1) * (1 / before + 1 / recent)


def _together(before: Sequence[int], recent: Sequence[int]) -> list[tuple[int, int]]:
    enough = sum(before) / CELLS
    cells: list[tuple[int, int]] = []
    b = r = 0
    for x, y in zip(before, recent, strict=True):
        b, r = b + x, r + y
        if b >= enough:
            cells.append((b, r))
            b = r = 0
    if b or r:
        cells.append((b, r))
    return cells
