"""What is peculiar to each of many entities, as far as their past can be believed."""

from __future__ import annotations

from typing import Any

NEWEST = 3000.0
"""How many events the spread among entities is learnt from."""
FIRST_SPREAD = 0.05
FIRST_TRUST = 100.0
LEAST_VARIANCE = 1e-6


class EntityEffect:
    """Mean residual of each entity, drawn towards zero; the entities used last are kept.

    How strongly it is drawn follows from how well the earlier residuals of an entity have told the
    next one: their covariance is the variance among entities.
    """

    def __init__(self, most: int, memory: float) -> None:
        self.most = most
        self._kept = 1 - 1 / memory
        self._sums: dict[Any, tuple[float, float]] = {}
        self._agreement = FIRST_SPREAD**2 * FIRST_TRUST
        self._trials = FIRST_TRUST

    @property
    def variance(self) -> float:
        """Variance among entities."""
        return max(self._agreement / self._trials, LEAST_VARIANCE)

    def __len__(self) -> int:
        return len(self._sums)

    def effect(self, entity: Any, noise: float) -> float:
        """What to add for an entity, given the variance of its residuals; 0 for a new one."""
        known = self._sums.get(entity)
        return known[0] / (known[1] + noise / self.variance) if known else 0.0

    def learn(self, entity: Any, residual: float, weight: float, noise: float) -> None:
        """Take in what all else could not explain."""
        known = self._sums.pop(entity, None)
        if known is None:
            if len(self._sums) >= self.most:
                del self._sums[next(iter(self._sums))]
            known = (0.0, 0.0)
        total, count = known
        if count:
            self._compare(residual, total / count, count, weight, noise)
        self._sums[entity] = (
            self._kept * total + weight * residual,
            self._kept * count + weight,
        )

    def _compare(
        self, residual: float, mean: float, count: float, weight: float, noise: float
    ) -> None:
        trial = weight * count / (count + noise / self.variance)
        self._agreement += trial * residual * mean
        self._trials += trial
        if self._trials > NEWEST:
            self._agreement *= 0.9
            self._trials *= 0.9
