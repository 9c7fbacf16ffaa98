"""How the odds of a positive change along a number line, averaged over every way to cut it."""

from __future__ import annotations

from math import log, log1p

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

Floats = NDArray[np.float64]

JEFFREYS = 0.5


def segment_rates(positives: Floats, negatives: Floats, expected_cuts: float) -> Floats:
    """Rate of positives in each cell, given counts per cell in order along the line.

    The line is thought to be cut at a few cell borders, each border with the same probability so
    that `expected_cuts` are expected, with one rate between two cuts. The answer is the posterior
    mean over all cuttings (product partition model, Barry and Hartigan 1992): sharp where the
    counts show a jump, flat where they do not. Costs the square of the number of cells.
    """
    cells = len(positives)
    tp, tn = _between(positives), _between(negatives)
    score: Floats = betaln(JEFFREYS + tp, JEFFREYS + tn) - betaln(JEFFREYS, JEFFREYS)
    score += _log_prior(cells, expected_cuts)
    before, after = _log_sums(score)
    segment: Floats = np.exp(before[:, None] + score + after[None, :] - before[cells])
    rate: Floats = segment * (JEFFREYS + tp) / (2 * JEFFREYS + tp + tn)
    opened_minus_closed = rate.sum(axis=1) - rate.sum(axis=0)
    rates: Floats = opened_minus_closed.cumsum()[:cells]
    return rates


def _between(counts: Floats) -> Floats:
    """Entry (i, j) is the count in cells i to j - 1, for i ≤ j."""
    running = np.concatenate([[0.0], counts.cumsum()])
    between: Floats = np.maximum(running[None, :] - running[:, None], 0.0)
    return between


def _log_prior(cells: int, expected_cuts: float) -> Floats:
    cut = min(0.5, expected_cuts / cells)
    borders = np.arange(cells + 1)
    length = borders[None, :] - borders[:, None]
    return np.where(length > 0, log(cut) + (length - 1) * log1p(-cut), -np.inf)


def _log_sums(score: Floats) -> tuple[Floats, Floats]:
    """Log of the sum over all cuttings of what is left, and right, of each border."""
    size = len(score)
    before, after = np.zeros(size), np.zeros(size)
    for border in range(1, size):
        before[border] = _log_sum(before[:border] + score[:border, border])
    for border in range(size - 2, -1, -1):
        after[border] = _log_sum(after[border + 1 :] + score[border, border + 1 :])
    return before, after


def _log_sum(terms: Floats) -> float:
    highest = terms.max()
    return float(highest + log(np.exp(terms - highest).sum()))
