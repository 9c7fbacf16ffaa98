"""Area under the ROC curve of a whole stream, in constant time and memory."""

from __future__ import annotations

from math import exp, inf, log, nan
from typing import Any

import numpy as np
from river import base, metrics

REACH = 20.0


class ROCAUC(metrics.base.BinaryMetric):
    """ROC AUC over every prediction so far, from a histogram of scores on the log-odds scale.

    Calibrated scores of a rare class crowd near zero, where a grid over [0, 1] sees one bin and
    a grid over log-odds sees hundreds. An update costs one logarithm. Scores whose log-odds lie
    beyond ±20 count as ties; `get` is NaN until both classes have been seen.

    Parameters
    ----------
    n_bins
        Number of bins; scores in the same bin count as ties.
    pos_val
        Value to treat as "positive".
    """

    def __init__(self, n_bins: int = 2048, pos_val: Any = True) -> None:
        self.n_bins = n_bins
        self.pos_val = pos_val
        self.positives: list[float] = [0] * n_bins
        self.negatives: list[float] = [0] * n_bins
        self._bins_per_unit = n_bins / (2 * REACH)

    def works_with(self, model: base.Estimator) -> bool:
        return super().works_with(model) or isinstance(model, base.AnomalyDetector)

    @property
    def requires_labels(self) -> bool:
        return False

    def update(self, y_true: Any, y_pred: Any, w: float = 1) -> None:
        """Count a score in [0, 1], or the dict of probabilities that holds it."""
        counts = self.positives if y_true == self.pos_val else self.negatives
        counts[self._bin(y_pred)] += w

    def revert(self, y_true: Any, y_pred: Any, w: float = 1) -> None:
        """Take back an update."""
        self.update(y_true, y_pred, -w)

    def get(self) -> float:
        """Probability that a positive scores higher than a negative, ties counted half."""
        positives, negatives = np.array(self.positives, float), np.array(self.negatives, float)
        pairs = positives.sum() * negatives.sum()
        if pairs <= 0:
            return nan
        below = negatives.cumsum() - negatives / 2
        return float(positives @ below / pairs)

    def edges(self) -> list[float]:
        """Lower edge of every bin, as a score."""
        inner = (number / self._bins_per_unit - REACH for number in range(1, self.n_bins))
        return [0.0, *(1 / (1 + exp(-log_odds)) for log_odds in inner)]

    def _bin(self, y_pred: Any) -> int:
        score = y_pred.get(True, 0.0) if isinstance(y_pred, dict) else y_pred
        log_odds = log(score / (1 - score)) if 0 < score < 1 else (inf if score >= 1 else -inf)
        if log_odds >= REACH:
            return self.n_bins - 1
        return max(0, int((log_odds + REACH) * self._bins_per_unit)) if log_odds > -REACH else 0
