"""Notices at once that a mean has gone far up."""

from __future__ import annotations

from math import sqrt

FEWEST = 60
SLOWEST = 0.002
LARGEST = 5.0
SLACK = 1.5
MOST = 14.0
LEAST_DEVIATION = 1e-3


class UpwardChange:
    """Page's cumulative sum of standardised values; rings when it exceeds 14 standard deviations.

    Mean and deviation are running ones over about the newest 500 values. A value counts for at most
    5 deviations, less 1.5, so that it takes four at least, and single wild ones do nothing; it
    keeps silent for the first 60. Page (1954), "Continuous inspection schemes".
    """

    def __init__(self) -> None:
        self.mean = 0.0
        self.mean_since = 0.0
        self._variance = 0.0
        self._count = 0
        self._since = 0
        self._sum = 0.0

    def update(self, value: float) -> bool:
        """Take a value in; returns whether values have gone up. `mean_since` then tells to what."""
        rings = self._count >= FEWEST and self._add(value)
        self._learn(value)
        return rings

    def _add(self, value: float) -> bool:
        deviation = max(sqrt(self._variance), LEAST_DEVIATION)
        self._sum += min((value - self.mean) / deviation, LARGEST) - SLACK
        if self._sum <= 0:
            self._sum, self._since = 0.0, 0
            return False
        self._since += 1
        share = 1 / self._since
        self.mean_since = (1 - share) * self.mean_since + share * value
        return self._sum > MOST

    def _learn(self, value: float) -> None:
        self._count += 1
        rate, off = max(min(1.0, 2 / self._count), SLOWEST), value - self.mean
        if self._count > FEWEST:
            limit = LARGEST * sqrt(self._variance)
            off = max(-limit, min(off, limit))
        self.mean += rate * off
        if self._count > 1:
            self._variance += rate * (off * off - self._variance)
