"""By how much everything is off at the moment, for reasons that no input tells."""

from __future__ import annotations

from math import exp

RATES = (0.0, 0.02, 0.06)
"""How fast each mean follows; the first one stays at zero."""
FADING = 0.98
HANDICAP = 4.0
"""By how much, in usual errors, a mean has to be better than zero before it is as believable."""
SLOW = 0.01
FIRST_SIZE = 0.3
LEAST_SIZE = 1e-9
OUTLIER = 3.0
LARGEST = 1.5
SUREST = 50.0


class Moment:
    """Running means of residuals, mixed by how little each has erred of late.

    Weights are exponential in faded absolute losses (Herbster and Warmuth 1998, "Tracking the best
    expert"), so that the mixture is about zero as long as nothing lasts.
    """

    def __init__(self) -> None:
        self.value = 0.0
        self._means = [0.0 for _ in RATES]
        self._losses = [0.0 for _ in RATES]
        self._size = FIRST_SIZE

    def learn(self, residual: float) -> None:
        """Take in what all else could not explain."""
        residual = max(-LARGEST, min(residual, LARGEST))
        off = abs(residual - self.value)
        self._size += (min(off, OUTLIER * self._size) - self._size) * SLOW
        size = max(self._size, LEAST_SIZE)
        weights, moved = 0.0, 0.0
        for number, rate in enumerate(RATES):
            mean, handicap = self._means[number], HANDICAP if rate else 0.0
            loss = FADING * self._losses[number] + abs(residual - mean) / size
            self._losses[number] = loss
            self._means[number] = mean + rate * (residual - mean)
            weight = exp(min(self._losses[0] - loss - handicap, SUREST))
            weights += weight
            moved += weight * self._means[number]
        self.value = moved / weights
