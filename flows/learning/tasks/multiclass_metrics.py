"""The metrics of classification into several classes."""

from __future__ import annotations

from collections import Counter
from math import isnan, log
from typing import Any

from river import metrics

from flows.learning.tasks.multiclass_prediction import MulticlassPrediction

CLASSES_SHOWN = 30
SMALLEST = 1e-15


class MulticlassMetrics:
    """Test-then-train metrics that read one confusion matrix, and the probability of the label."""

    def __init__(self) -> None:
        self._matrix = metrics.ConfusionMatrix()
        self._by_decision = {
            "Accuracy": metrics.Accuracy(cm=self._matrix),
            "BalancedAccuracy": metrics.BalancedAccuracy(cm=self._matrix),
            "MacroF1": metrics.MacroF1(cm=self._matrix),
            "WeightedF1": metrics.WeightedF1(cm=self._matrix),
            "MacroPrecision": metrics.MacroPrecision(cm=self._matrix),
            "MacroRecall": metrics.MacroRecall(cm=self._matrix),
            "CohenKappa": metrics.CohenKappa(cm=self._matrix),
        }
        self._log_loss = 0.0

    def update(self, label: str, prediction: MulticlassPrediction, time: float = 0.0) -> None:  # noqa: ARG002
        """Count one prediction that was made before its label was known."""
        self._matrix.update(label, prediction.decision)
        self._log_loss -= log(max(SMALLEST, _given(label, prediction)))

    def values(self) -> dict[str, float]:
        """Every metric by name. `LogLoss` takes what neither class had for the label's share."""
        if not self._matrix.n_samples:
            return {}
        values = {name: float(metric.get()) for name, metric in self._by_decision.items()}
        values["LogLoss"] = self._log_loss / self._matrix.n_samples
        return {name: value for name, value in values.items() if not isnan(value)}

    def report(self) -> dict[str, Any]:
        """The confusion matrix of the commonest classes, and how each fares."""
        sizes = Counter({label: self._matrix.sum_row[label] for label in self._matrix.sum_row})
        shown = sorted(label for label, _ in sizes.most_common(CLASSES_SHOWN))
        return {
            "classes": shown,
            "confusion": [[self._matrix[true][said] for said in shown] for true in shown],
            "by_class": {label: self._fares(label) for label in shown},
        }

    def _fares(self, label: str) -> dict[str, float]:
        matrix = self._matrix
        hits, support, said = matrix[label][label], matrix.sum_row[label], matrix.sum_col[label]
        return {
            "precision": hits / said if said else 0.0,
            "recall": hits / support if support else 0.0,
            "f1": 2 * hits / (said + support) if said + support else 0.0,
            "support": support,
        }


def _given(label: str, prediction: MulticlassPrediction) -> float:
    """The probability that a prediction gave its label."""
    if label == prediction.decision:
        return prediction.probability
    second = prediction.runner_up_probability or 0.0
    if label == prediction.runner_up:
        return second
    return max(0.0, 1.0 - prediction.probability - second)
