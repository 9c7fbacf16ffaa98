"""What a number says about the label: log-odds by interval, the intervals learnt."""

from __future__ import annotations

from bisect import bisect_right
from math import log

import numpy as np
from numpy.typing import NDArray

from flows.learning.models.segments import Floats, segment_rates

QUANTILES = np.linspace(0, 1, 48)
EXPECTED_CUTS = 3.0


class NumberEvidence:
    """Log-odds that a number adds to those of the class, constant between learnt edges."""

    def __init__(self) -> None:
        self.edges: list[float] = []
        self.weights: list[float] = [0.0]

    def weight(self, value: float) -> float:
        """Log of how many times likelier it is among positives; 0 for NaN, which is no value."""
        if value != value:
            return 0.0
        return self.weights[bisect_right(self.edges, value)]

    def fit(self, values: Floats, labels: NDArray[np.bool_], importances: Floats) -> None:
        """Learn edges and weights from a sample; NaN values say nothing. Needs both classes.

        Each event stands for `importances` events of the stream; only their proportions within
        the negatives, and within the positives, count.
        """
        known = np.isfinite(values)
        values, labels, importances = values[known], labels[known], importances[known]
        if labels.all() or not labels.any():
            return
        edges = _candidate_edges(values, labels)
        cells = np.searchsorted(edges, values, side="right")
        positives = _counts(cells[labels], importances[labels], len(edges) + 1)
        negatives = _counts(cells[~labels], importances[~labels], len(edges) + 1)
        rates = segment_rates(positives, negatives, EXPECTED_CUTS)
        base = log(positives.sum() / negatives.sum())
        self.edges = edges.tolist()
        self.weights = (np.log(rates / (1 - rates)) - base).tolist()


def _counts(cells: NDArray[np.intp], importances: Floats, size: int) -> Floats:
    """Importance per cell, scaled so that it sums to the number of events."""
    scaled = importances / importances.mean()
    return np.bincount(cells, weights=scaled, minlength=size).astype(np.float64)


def _candidate_edges(values: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Edges just above quantiles of either class, and just below its least value."""
    distinct = np.unique(values)
    halfway = (distinct[1:] + distinct[:-1]) / 2
    places = []
    for of_class in (labels, ~labels):
        quantiles = np.quantile(values[of_class], QUANTILES, method="lower")
        above = np.searchsorted(distinct, quantiles)
        places += [above[:1] - 1, above]
    chosen = np.unique(np.concatenate(places))
    edges: Floats = halfway[chosen[(chosen >= 0) & (chosen < len(halfway))]]
    return edges
