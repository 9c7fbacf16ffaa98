"""Is a challenger better than the champion, or is it luck?"""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean, stdev

import msgspec

BLOCK = 50
BLOCKS = 40
WINDOW = BLOCK * BLOCKS
# Student's t with BLOCKS - 1 degrees of freedom is greater once in a million windows, by chance.
CRITICAL = 5.577
# Differences that do not vary at all would divide by nothing.
LEAST_SPREAD = 1e-9


class Standing(msgspec.Struct, frozen=True):
    """How a contest stands: mean errors over the newest `labels`, and `t`, how sure it is.

    `t` is positive where the challenger errs less; None before there are two blocks.
    """

    labels: int
    champion_error: float | None
    challenger_error: float | None
    t: float | None


class Contest:
    """The errors of two models on the same labels, over the newest WINDOW of them.

    Errors of neighbours are alike, so what is compared is the means of blocks of BLOCK labels,
    which hardly are. It is looked at once a window, so that many looks do not make a winner of
    luck: with equals one window in a million ends with one.
    """

    def __init__(self) -> None:
        self._labels = 0
        self._sums = [0.0, 0.0]
        self._blocks: deque[tuple[float, float]] = deque(maxlen=BLOCKS)

    def update(self, champion_error: float, challenger_error: float) -> bool:
        """Count one label; True at the end of a window that the challenger has won."""
        self._labels += 1
        self._sums[0] += champion_error
        self._sums[1] += challenger_error
        if self._labels % BLOCK:
            return False
        self._blocks.append((self._sums[0] / BLOCK, self._sums[1] / BLOCK))
        self._sums = [0.0, 0.0]
        return not self._labels % WINDOW and self._t() > CRITICAL

    @property
    def standing(self) -> Standing:
        """How it stands, by the blocks that are complete."""
        if not self._blocks:
            return Standing(0, None, None, None)
        champion, challenger = (fmean(errors) for errors in zip(*self._blocks, strict=True))
        t = self._t() if len(self._blocks) > 1 else None
        return Standing(BLOCK * len(self._blocks), champion, challenger, t)

    def _t(self) -> float:
        """Student's paired t of the blocks' means."""
        differences = [champion - challenger for champion, challenger in self._blocks]
        mean = fmean(differences)
        if not mean or not math.isfinite(mean):
            return 0.0
        spread = max(stdev(differences), LEAST_SPREAD * abs(mean))
        return mean / (spread / math.sqrt(len(differences)))
