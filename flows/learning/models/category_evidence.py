"""What a category says about the label, as far as the counts can be believed."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from scipy.special import betaln

Category = Any
"""What is not a number: a text, a truth value, None."""

MOST_CATEGORIES = 256
LONGEST_NAME = 64
BELIEFS = np.array([[0.3], [1.0], [3.0], [10.0], [30.0], [100.0], [300.0], [1000.0], [1e5]])
"""How many positives at the common rate each category is thought to have had beforehand."""


class CategoryEvidence:
    """Log-odds that a category adds to those of the class.

    Rates are drawn towards the common rate, by the strength that makes the counts likeliest
    (averaged over BELIEFS): two hundred categories that mean nothing say nothing. At most
    MOST_CATEGORIES are known after `fit`, twice that in between; those with the smallest counts
    are forgotten, names are cut after LONGEST_NAME characters.
    """

    def __init__(self) -> None:
        self.counts: dict[Category, list[float]] = {}
        self.weights: dict[Category, float] = {}

    def weight(self, category: Category) -> float:
        """Log of how many times likelier it is among positives; 0 for what is not known."""
        return self.weights.get(_name(category), 0.0)

    def count(self, category: Category, label: int, amount: float) -> None:
        """Count an event. `amount` is its importance; later events may count for more."""
        name = _name(category)
        counts = self.counts.get(name)
        if counts is None:
            if len(self.counts) >= 2 * MOST_CATEGORIES:
                self._forget_the_rarest()
            counts = self.counts[name] = [0.0, 0.0]
        counts[label] += amount

    def fit(self, scale: float) -> None:
        """Learn weights from the counts times `scale`, which become the new counts."""
        if len(self.counts) > MOST_CATEGORIES:
            self._forget_the_rarest()
        self.counts = {name: [n * scale, p * scale] for name, (n, p) in self.counts.items()}
        negatives, positives = np.array(list(self.counts.values())).reshape(-1, 2).T
        total_negatives, total_positives = negatives.sum(), positives.sum()
        if not (total_negatives and total_positives):
            return
        beforehand = BELIEFS * total_negatives / total_positives
        evidence = betaln(BELIEFS + positives, beforehand + negatives) - betaln(BELIEFS, beforehand)
        belief = evidence.sum(axis=1, keepdims=True)
        belief = np.exp(belief - belief.max())
        rates = (BELIEFS + positives) / (BELIEFS + positives + beforehand + negatives)
        rate = (belief * rates).sum(axis=0) / belief.sum()
        weights = np.log(rate / (1 - rate)) - log(total_positives / total_negatives)
        self.weights = dict(zip(self.counts, weights.tolist(), strict=True))

    def _forget_the_rarest(self) -> None:
        by_count = sorted(self.counts.items(), key=lambda item: -sum(item[1]))
        self.counts = dict(by_count[:MOST_CATEGORIES])


def _name(category: Category) -> Category:
    kind = type(category)
    if category is None or kind is bool or (kind is str and len(category) <= LONGEST_NAME):
        return category
    return str(category)[:LONGEST_NAME]
