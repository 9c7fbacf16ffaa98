"""The metrics of binary classification, fed once per event."""

from __future__ import annotations

from bisect import bisect_right
from math import isnan, sqrt
from typing import Any

import numpy as np
from river import metrics

from flows.learning.tasks.binary_prediction import BinaryPrediction
from flows.learning.tasks.roc_auc import ROCAUC

ROLLING_WINDOW = 5000
CURVE_POINTS = 100
RELIABILITY_EDGES = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
)
"""Finer near zero, where the calibrated probabilities of a rare class lie."""


class BinaryMetrics:
    """Test-then-train metrics of a binary classifier; class 1 is the positive one.

    Everything that needs only decisions reads one confusion matrix, which is updated here and
    nowhere else, so that its counts are those of the events.
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta
        self.threshold = 0.5
        self._matrix = metrics.ConfusionMatrix(classes=(0, 1))
        self._by_decision = _decision_metrics(self._matrix, beta)
        self._roc_auc = ROCAUC(pos_val=1)
        self._rolling_roc_auc = metrics.RollingROCAUC(window_size=ROLLING_WINDOW, pos_val=1)
        self._log_loss = metrics.LogLoss()
        self._squared_error = 0.0
        bins = len(RELIABILITY_EDGES) + 1
        self._bin_counts = [0] * bins
        self._bin_positives = [0] * bins
        self._bin_sums = [0.0] * bins

    def update(self, label: int, prediction: BinaryPrediction, time: float = 0.0) -> None:  # noqa: ARG002
        """Count one prediction that was made before its label, 0 or 1, was known."""
        probability = prediction.probability
        self.threshold = prediction.threshold
        self._matrix.update(label, prediction.decision)
        self._roc_auc.update(label, probability)
        self._rolling_roc_auc.update(label, probability)
        self._log_loss.update(label, probability)
        self._squared_error += (label - probability) ** 2
        number = bisect_right(RELIABILITY_EDGES, probability)
        self._bin_counts[number] += 1
        self._bin_positives[number] += label
        self._bin_sums[number] += probability
        if self._matrix.n_samples % ROLLING_WINDOW == 0:
            self._rolling_roc_auc.get()  # River buffers updates without limit until it is read

    def values(self) -> dict[str, float]:
        """Every metric by name; those that are not defined yet are left out."""
        if not self._matrix.n_samples:
            return {}
        undefined = _undefined(self._counts())
        values = {
            name: float(metric.get())
            for name, metric in self._by_decision.items()
            if name not in undefined
        }
        values |= self._by_probability(rankable="ROCAUC" not in undefined)
        return {name: value for name, value in values.items() if not isnan(value)}

    def report(self) -> dict[str, Any]:
        """Confusion matrix, classification report, reliability and threshold curve."""
        counts = self._counts()
        return {
            "confusion_matrix": {**counts, "total": sum(counts.values())},
            "classification_report": _classification_report(counts),
            "reliability": self._reliability(),
            "threshold_curve": self._threshold_curve(),
            "threshold": self.threshold,
        }

    def _by_probability(self, *, rankable: bool) -> dict[str, float]:
        values = {
            "LogLoss": self._log_loss.get(),
            "BrierScore": self._squared_error / self._matrix.n_samples,
        }
        if rankable:
            values["ROCAUC"] = self._roc_auc.get()
            values["RollingROCAUC"] = self._rolling_roc_auc.get()
        return values

    def _counts(self) -> dict[str, int]:
        matrix = self._matrix
        cells = {"tn": (0, 0), "fp": (0, 1), "fn": (1, 0), "tp": (1, 1)}
        return {name: int(matrix[label][said]) for name, (label, said) in cells.items()}

    def _reliability(self) -> list[dict[str, float]]:
        columns = (
            *((0.0, *RELIABILITY_EDGES), (*RELIABILITY_EDGES, 1.0)),
            *(self._bin_counts, self._bin_sums, self._bin_positives),
        )
        return [
            {
                "lower": lower,
                "upper": upper,
                "count": count,
                "predicted": predicted / count,
                "observed": observed / count,
            }
            for lower, upper, count, predicted, observed in zip(*columns, strict=True)
            if count
        ]

    def _threshold_curve(self) -> dict[str, Any]:
        """Precision, recall and F-beta of "score ≥ threshold", while anything is above it."""
        edges = np.array(self._roc_auc.edges())
        tp = np.array(self._roc_auc.positives)[::-1].cumsum()[::-1]
        predicted = tp + np.array(self._roc_auc.negatives)[::-1].cumsum()[::-1]
        chosen = _spread(edges)
        chosen = chosen[predicted[chosen] > 0]
        positives, b2 = tp[0], self.beta**2
        tp, predicted = tp[chosen], predicted[chosen]
        if not positives:
            return {"beta": self.beta, "threshold": [], "precision": [], "recall": [], "fbeta": []}
        return {
            "beta": self.beta,
            "threshold": edges[chosen].tolist(),
            "precision": (tp / predicted).tolist(),
            "recall": (tp / positives).tolist(),
            "fbeta": ((1 + b2) * tp / (b2 * positives + predicted)).tolist(),
        }


def _decision_metrics(
    matrix: metrics.ConfusionMatrix, beta: float
) -> dict[str, metrics.base.ClassificationMetric]:
    return {
        "Recall": metrics.Recall(cm=matrix, pos_val=1),
        "Precision": metrics.Precision(cm=matrix, pos_val=1),
        "F1": metrics.F1(cm=matrix, pos_val=1),
        "FBeta": metrics.FBeta(beta=beta, cm=matrix, pos_val=1),
        "Accuracy": metrics.Accuracy(cm=matrix),
        "BalancedAccuracy": metrics.BalancedAccuracy(cm=matrix),
        "GeometricMean": metrics.GeometricMean(cm=matrix),
        "CohenKappa": metrics.CohenKappa(cm=matrix),
        "MCC": metrics.MCC(cm=matrix, pos_val=1),
        "Jaccard": metrics.Jaccard(cm=matrix, pos_val=1),
    }


def _undefined(counts: dict[str, int]) -> set[str]:
    """Names whose definition divides by zero here; River answers 0 for them."""
    tn, fp, fn, tp = counts["tn"], counts["fp"], counts["fn"], counts["tp"]
    undefined = set()
    if not tp + fn:
        undefined |= {"Recall", "F1", "FBeta", "Jaccard"}
    if not tp + fp:
        undefined.add("Precision")
    if not (tp + fn and tn + fp):
        undefined |= {"BalancedAccuracy", "GeometricMean", "ROCAUC", "RollingROCAUC"}
    if not (tp + fn) * (tn + fp) * (tp + fp) * (tn + fn):
        undefined.add("MCC")
    if not tp + fp + fn or not tn + fp + fn:
        undefined.add("CohenKappa")
    return undefined


def _classification_report(counts: dict[str, int]) -> dict[str, Any]:
    tn, fp, fn, tp = counts["tn"], counts["fp"], counts["fn"], counts["tp"]
    classes = {"0": _class_row(tn, fn, fp), "1": _class_row(tp, fp, fn)}
    total = tn + fp + fn + tp
    return {
        **classes,
        "accuracy": _ratio(tn + tp, total),
        "macro": _average(classes, dict.fromkeys(classes, 1), total),
        "weighted": _average(classes, {n: row["support"] for n, row in classes.items()}, total),
    }


def _class_row(hits: int, false_alarms: int, misses: int) -> dict[str, float]:
    return {
        "precision": _ratio(hits, hits + false_alarms),
        "recall": _ratio(hits, hits + misses),
        "f1": _ratio(2 * hits, 2 * hits + false_alarms + misses),
        "support": hits + misses,
    }


def _average(
    rows: dict[str, dict[str, float]], weights: dict[str, float], total: int
) -> dict[str, float]:
    whole = sum(weights.values())
    columns = ("precision", "recall", "f1")
    means = {
        column: _ratio(sum(rows[name][column] * weights[name] for name in rows), whole)
        for column in columns
    }
    return {**means, "support": total}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _spread(edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Pick at most CURVE_POINTS edges, denser near zero: evenly in the root of the score."""
    wanted = np.linspace(0, sqrt(edges[-1]), CURVE_POINTS) ** 2
    return np.unique(np.searchsorted(edges, wanted).clip(0, len(edges) - 1))
