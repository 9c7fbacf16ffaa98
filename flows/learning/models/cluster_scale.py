"""One measure for all features: standard deviations of them, of their logarithms or angles."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from math import asin, isfinite, log1p, pi, sqrt

import numpy as np

from flows.learning.models.latest_sample import Floats, Row, clean

AS_IT_IS, RATIO, ANGLE, CONSTANT = range(4)
"""How a column is compared."""

FARTHEST = 5.0
"""Nothing is farther from the mean than so many standard deviations."""


class Scale:
    """Learns mean and spread of each column from a table; what is missing is put at the mean.

    Columns named in `logarithms` are compared by ratio, those in `shares`, in [0, 1], by the angle
    whose squared sine they are, which spreads equally wherever the share lies.
    """

    def __init__(self, logarithms: Collection[str] = (), shares: Collection[str] = ()) -> None:
        self.names: list[Hashable] = []
        self.mean = np.zeros(0)
        self.spread = np.ones(0)
        self._logarithms = frozenset(logarithms)
        self._shares = frozenset(shares)
        self._columns: list[tuple[int, float, float]] = []

    def fit(self, names: Iterable[Hashable], table: Floats) -> None:
        """Learn from a table (things, columns) that may have gaps."""
        self.names = list(names)
        straight = self._straight(table)
        known = ~np.isnan(straight)
        counts = np.maximum(known.sum(0), 1)
        filled = np.where(known, straight, 0.0)
        self.mean = filled.sum(0) / counts
        squares = np.where(known, (straight - self.mean) ** 2, 0.0).sum(0) / counts
        self.spread = np.where(squares > 1e-18, np.sqrt(squares), np.inf)
        self._columns = [
            (self._kind(name) if isfinite(spread) else CONSTANT, mean, spread)
            for name, mean, spread in zip(
                self.names, self.mean.tolist(), self.spread.tolist(), strict=True
            )
        ]

    def all(self, table: Floats) -> Floats:
        """Scale a table that has the columns of `fit`."""
        scaled = (self._straight(table) - self.mean) / self.spread
        return np.clip(np.nan_to_num(scaled), -FARTHEST, FARTHEST)

    def one(self, row: Row) -> list[float]:
        """Scale one row; columns that came after `fit` are left out."""
        try:
            return self._one(row)
        except OverflowError:
            return self._one(clean(row))

    def straightened(self, centres: Floats) -> Floats:
        """Scaled centres in the measure of straight columns, which a later fit does not change."""
        return self.mean + np.where(np.isfinite(self.spread), self.spread, 0.0) * centres

    def scaled(self, straight: Floats) -> Floats:
        """The reverse of `straightened`; columns that came since then are put at the mean."""
        padded = np.tile(self.mean, (len(straight), 1))
        padded[:, : straight.shape[1]] = straight
        return np.clip((padded - self.mean) / self.spread, -FARTHEST, FARTHEST)

    def _one(self, row: Row) -> list[float]:
        scaled = []
        for value, (kind, mean, spread) in zip(row, self._columns, strict=False):
            if value is None or value != value or kind == CONSTANT:
                scaled.append(0.0)
                continue
            if kind == RATIO:
                value = log1p(value) if value >= 0 else -log1p(-value)
            elif kind == ANGLE:
                value = asin(sqrt(value)) if 0 <= value <= 1 else pi / 2 * (value > 1)
            place = (value - mean) / spread
            if not -FARTHEST <= place <= FARTHEST:
                place = FARTHEST if place > 0 else -FARTHEST
            scaled.append(place)
        return scaled

    def _kind(self, name: Hashable) -> int:
        if name in self._logarithms:
            return RATIO
        return ANGLE if name in self._shares else AS_IT_IS

    def _straight(self, table: Floats) -> Floats:
        straight = table.copy()
        for column, name in enumerate(self.names):
            values = straight[:, column]
            if name in self._logarithms:
                straight[:, column] = np.sign(values) * np.log1p(np.abs(values))
            elif name in self._shares:
                straight[:, column] = np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0)))
        return straight
