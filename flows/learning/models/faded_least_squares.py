"""Least squares over a fading past, with a ridge per group of coefficients that data decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from flows.learning.one_thread import one_thread

Floats = NDArray[np.float64]
Row = tuple[list[int], list[float], float, float]
"""Columns that are not zero, their values, the target, the weight."""

FREE = 1e4
"""Variance of the first coefficient, which every row has, before anything is known."""
TRUST = 2.0
"""How many coefficients the first guess of a group's spread counts for."""
LEAST_VARIANCE = 1e-8


class FadedLeastSquares:
    """Sums of products that fade, and the coefficients that follow from them.

    Column 0 is for what all rows have in common; every other one belongs to a group. Within a
    group coefficients lie around zero, or around what they were when the past was let go, with a
    variance that is learnt from them (empirical Bayes by one step of expectation-maximisation per
    fit), so that groups that mean nothing, or have not changed, say nothing.
    A row fades by 1 / `memory` with every later one. Costs the square of the number of columns for
    each row, and its cube for each fit.
    """

    def __init__(self, spreads: Sequence[float], memory: float) -> None:
        self.memory = memory
        self.noise = 0.1
        self.groups: list[int] = []
        self.coefficients: list[float] = [0.0]
        self._first_variances = np.square(np.array(spreads, dtype=np.float64))
        self.variances = self._first_variances.copy()
        self._anchors: list[float] = [0.0]
        self._products: Floats = np.zeros((1, 1), order="F")
        self._targets: Floats = np.zeros(1)

    def add_column(self, group: int) -> int:
        """Make a column whose coefficient is 0 until the next fit; returns its number."""
        self.groups.append(group)
        self.coefficients.append(0.0)
        self._anchors.append(0.0)
        return len(self.groups)

    @property
    def means(self) -> list[float]:
        """Mean of each column over the past."""
        first = self._products[0]
        means = np.zeros(len(self.coefficients))
        means[: len(first)] = first / max(first[0], 1e-300)
        return list(means.tolist())

    @property
    def weight(self) -> float:
        """How many rows of weight 1 the past is worth."""
        return float(self._products[0, 0])

    def take(self, rows: Sequence[Row]) -> None:
        """Add rows to the sums."""
        self._grow()
        size = len(self._targets)
        weights = np.sqrt([row[3] for row in rows])
        places = [n * size + column for n, row in enumerate(rows) for column in row[0]]
        values = np.array([value for row in rows for value in row[1]])
        design = np.bincount(places, values, len(rows) * size).reshape(-1, size)
        design *= weights[:, None]
        targets = weights * [row[2] for row in rows]
        fading = (1 - 1 / self.memory) ** len(rows)
        # Only the upper triangle is kept up; `design.T` is in the order that BLAS wants.
        with one_thread():
            self._products = blas.dsyrk(1.0, design.T, beta=fading, c=self._products, overwrite_c=1)
            self._targets = fading * self._targets + targets @ design

    def fit(self) -> None:
        """Learn the coefficients, then what they say of their groups."""
        self._grow()
        groups = np.array(self.groups, dtype=np.intp)
        precision = self._products / self.noise
        ridge = np.concatenate([[1 / FREE], 1 / self.variances[groups]])
        precision[np.diag_indices_from(precision)] += ridge
        anchors = np.array(self._anchors)
        with one_thread():
            factor, _ = lapack.dpotrf(precision, overwrite_a=1)
            coefficients, _ = lapack.dpotrs(factor, self._targets / self.noise + ridge * anchors)
            inverse, _ = lapack.dpotri(factor, overwrite_c=1)
        self.coefficients = coefficients.tolist()
        moved = coefficients - anchors
        self._learn_variances(groups, moved[1:] ** 2 + inverse.diagonal()[1:])

    def begin_anew(self, share: float) -> None:
        """Let the past count for only `share` of what it did, and coefficients lie around those
        of now: groups that stay as they were are soon known to."""
        self._products *= share
        self._targets *= share
        self._anchors = list(self.coefficients)
        self.variances = self._first_variances.copy()

    def drop(self, columns: NDArray[np.intp]) -> None:
        """Forget columns; those after them move up."""
        kept = np.delete(np.arange(len(self._targets)), columns)
        self._products = np.asfortranarray(self._products[np.ix_(kept, kept)])
        self._targets = self._targets[kept]
        self.groups = [self.groups[number - 1] for number in kept[1:]]
        self.coefficients = [self.coefficients[number] for number in kept]
        self._anchors = [self._anchors[number] for number in kept]

    def uses(self) -> Floats:
        """Sum of the squares of each column over the past."""
        return self._products.diagonal().copy()

    def _learn_variances(self, groups: NDArray[np.intp], squares: Floats) -> None:
        counts = np.bincount(groups, minlength=len(self.variances))
        sums = np.bincount(groups, squares, len(self.variances))
        learnt = (sums + TRUST * self._first_variances) / (counts + TRUST)
        self.variances = np.maximum(learnt, LEAST_VARIANCE)

    def _grow(self) -> None:
        old, new = len(self._targets), len(self.coefficients)
        if new > old:
            grown = np.zeros((new, new), order="F")
            grown[:old, :old] = self._products
            self._products = grown
            self._targets = np.concatenate([self._targets, np.zeros(new - old)])

    def __getstate__(self) -> dict[str, Any]:
        """Half of a symmetric matrix is enough."""
        upper = self._products[np.triu_indices(len(self._targets))]
        return {**vars(self), "_products": upper}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__` gave."""
        vars(self).update(state)
        size = len(self._targets)
        products = np.zeros((size, size), order="F")
        products[np.triu_indices(size)] = state["_products"]
        self._products = products
