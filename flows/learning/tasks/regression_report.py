"""What a regression's errors look like: counts in cells that widen with the value."""

from __future__ import annotations

from collections import Counter
from math import floor, sinh
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FINENESS = 12
"""Cells per factor of e: neighbouring edges lie 8 % apart, away from zero."""
COARSENESS = 4
"""Cells of the fine kind in one of the grid."""
BATCH = 256
FARTHEST = 40 * FINENESS
BINS = 40
SHOWN = 0.98
DECILES = 10


class RegressionReport:
    """Counts of residuals and of predictions, bounded whatever the values are.

    `resolution` is what the cells can tell apart at zero, in the label's unit. What comes is
    counted in batches.
    """

    def __init__(self, resolution: float = 1.0) -> None:
        self.resolution = resolution
        self._fresh: list[tuple[float, float, bool]] = []
        self._residuals: Counter[int] = Counter()
        self._grid: Counter[tuple[int, int]] = Counter()
        self._by_prediction: dict[int, list[float]] = {}

    def add(self, label: float, value: float, covered: bool) -> None:
        """Count one prediction, and whether its interval held the label."""
        self._fresh.append((label, value, covered))
        if len(self._fresh) == BATCH:
            self._count()

    def _count(self) -> None:
        if not self._fresh:
            return
        labels, values, covered = np.array(self._fresh, dtype=np.float64).T
        self._fresh.clear()
        residuals = labels - values
        said, true = self._cells(values), self._cells(labels)
        self._residuals.update(self._cells(residuals).tolist())
        places = np.stack([said, true], axis=1) // COARSENESS
        self._grid.update(map(tuple, places.tolist()))
        cells, rows = np.unique(said, return_inverse=True)
        columns = (None, values, labels, np.abs(residuals), covered)
        sums = np.array([np.bincount(rows, weights=column) for column in columns]).T
        for cell, row in zip(cells.tolist(), sums.tolist(), strict=True):
            known = self._by_prediction.get(cell, [0.0] * len(row))
            self._by_prediction[cell] = [a + b for a, b in zip(known, row, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain JSON types."""
        self._count()
        return {
            "residuals": self._histogram(),
            "error_by_prediction": self._deciles(),
            "predicted_actual": self._pairs(),
        }

    def _cells(self, values: Floats) -> NDArray[np.int64]:
        cells = np.floor(np.arcsinh(values / self.resolution) * FINENESS)
        bounded: NDArray[np.int64] = np.clip(cells, -FARTHEST, FARTHEST).astype(np.int64)
        return bounded

    def _edge(self, cell: int) -> float:
        return self.resolution * sinh(cell / FINENESS)

    def _histogram(self) -> dict[str, Any]:
        """Actual minus predicted in equal bins, without the 1 % at either end."""
        total = sum(self._residuals.values())
        if not total:
            return {"edges": [], "counts": [], "below": 0, "above": 0}
        cells = sorted(self._residuals)
        low = self._edge(self._quantile(cells, total * (1 - SHOWN) / 2))
        high = self._edge(self._quantile(cells, total * (1 + SHOWN) / 2) + 1)
        width = (high - low) / BINS
        counts = [0.0] * BINS
        for cell in cells:
            self._spread(cell, low, width, counts)
        below = sum(n for cell, n in self._residuals.items() if self._edge(cell) < low)
        above = sum(n for cell, n in self._residuals.items() if self._edge(cell + 1) > high)
        edges = [low + width * number for number in range(BINS + 1)]
        return {"edges": edges, "counts": counts, "below": below, "above": above}

    def _quantile(self, cells: list[int], wanted: float) -> int:
        reached = 0
        for cell in cells:
            reached += self._residuals[cell]
            if reached >= wanted:
                return cell
        return cells[-1]

    def _spread(self, cell: int, low: float, width: float, counts: list[float]) -> None:
        """Share a cell's count out among the bins that it overlaps."""
        start, end = self._edge(cell), self._edge(cell + 1)
        first = max(0, floor((start - low) / width))
        for number in range(first, BINS):
            left = low + number * width
            overlap = min(end, left + width) - max(start, left)
            if overlap <= 0:
                return
            counts[number] += self._residuals[cell] * overlap / (end - start)

    def _deciles(self) -> list[dict[str, float]]:
        """Mean error by how much was predicted, in ten parts of about equal counts."""
        total = sum(sums[0] for sums in self._by_prediction.values())
        rows: dict[int, list[float]] = {}
        before = 0.0
        for cell in sorted(self._by_prediction):
            sums = self._by_prediction[cell]
            middle = (before + sums[0] / 2) / total
            row = rows.setdefault(int(middle * DECILES), [0.0] * 5)
            for place, amount in enumerate(sums):
                row[place] += amount
            before += sums[0]
        return [_decile(row) for row in rows.values()]

    def _pairs(self) -> dict[str, Any]:
        """How often a value was predicted, by the actual one; cells by the number of their edge."""
        if not self._grid:
            return {"edges": [], "cells": []}
        numbers = [number for place in self._grid for number in place]
        first, last = min(numbers), max(numbers)
        edges = [self._edge(number * COARSENESS) for number in range(first, last + 2)]
        cells = [[x - first, y - first, count] for (x, y), count in sorted(self._grid.items())]
        return {"edges": edges, "cells": cells}


def _decile(row: list[float]) -> dict[str, float]:
    count, predicted, actual, error, covered = row
    return {
        "count": count,
        "predicted": predicted / count,
        "actual": actual / count,
        "mean_absolute_error": error / count,
        "coverage": covered / count,
    }
