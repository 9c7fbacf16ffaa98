"""Quantile levels that move until intervals hold what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt

from flows.learning.tasks.forecasting_prediction import HORIZONS

TAIL = 0.1
STEP = 0.02
IN, HALF, OUT = STEP * TAIL, STEP / 2, STEP * (1 - TAIL)
FARTHEST = 7.0
MIDDLE_AT_MOST = 1.0
STEEPEST = 300.0
RARE = 0.02

MEAN_DEVIATION = 2 * log(2)
"""Of the logistic distribution of scale 1."""


class IntervalLevels:
    """Log-odds of the quantiles taken as lower bound, value and upper bound, by horizon.

    Each miss moves a bound out and each hit moves it in a little, so that in the long run a tenth
    of outcomes lie below and a tenth above, whatever the model. Gibbs and Candès (2021), "Adaptive
    conformal inference under distribution shift".
    """

    def __init__(self) -> None:
        start = [log(share / (1 - share)) for share in (TAIL, 0.5, 1 - TAIL)]
        self._levels = [start.copy() for _ in range(HORIZONS + 1)]

    def at(self, horizon: int) -> list[float]:
        """Log-odds of lower bound, value and upper bound; horizon 0 is the day itself."""
        return self._levels[horizon]

    def learn(self, horizon: int, outcome: float, lower: float, value: float, upper: float) -> None:
        """Take in on which side of a forecast and of its bounds the outcome lay."""
        levels = self._levels[horizon]
        low, middle, high = levels
        low += IN if outcome >= lower else -OUT
        middle += HALF if outcome >= value else -HALF
        high += OUT if outcome > upper else -IN
        if not -MIDDLE_AT_MOST <= middle <= MIDDLE_AT_MOST:
            middle = max(-MIDDLE_AT_MOST, min(middle, MIDDLE_AT_MOST))
        if not -FARTHEST <= low <= middle <= high <= FARTHEST:
            low, high = max(-FARTHEST, min(low, middle)), min(FARTHEST, max(high, middle))
        levels[0], levels[1], levels[2] = low, middle, high


def bounds(levels: Sequence[float], scale: float, odds: float, distance: float) -> Sequence[float]:
    """Quantiles of two logistic distributions: around 0, and, `odds` of the time, `distance` away.

    `levels` are the quantiles' log-odds. With w = exp(-x / scale) and b = exp(distance / scale)
    they solve (1 - odds) / (1 + w) + odds / (1 + b w) = q, which is quadratic in w.
    """
    if odds < RARE:
        return [scale * level for level in levels]
    if odds > 1 - RARE:
        return [distance + scale * level for level in levels]
    far = exp(max(-STEEPEST, min(distance / scale, STEEPEST)))
    near_part, both = odds + (1 - odds) * far, 1 + far
    quantiles = []
    for level in levels:
        share = 1 / (1 + exp(-level))
        rest, twice = 2 - 2 * share, 2 * share * far
        b = share * both - near_part
        root = sqrt(b * b + twice * rest)
        quantiles.append(-scale * log(rest / (b + root) if b > 0 else (root - b) / twice))
    return quantiles
