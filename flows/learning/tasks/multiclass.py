"""Classification into several classes, which need not be known before they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Any

from flows.errors import EventError
from flows.learning.task import Task
from flows.learning.tasks.multiclass_metrics import MulticlassMetrics
from flows.learning.tasks.multiclass_prediction import MulticlassPrediction


@dataclass(frozen=True, slots=True)
class MulticlassClassification(Task):
    """Labels are strings; the likeliest class is the decision."""

    @property
    def name(self) -> str:
        return "multiclass"

    @property
    def label(self) -> type[str]:
        return str

    @property
    def prediction(self) -> type[MulticlassPrediction]:
        return MulticlassPrediction

    def predict(self, model: Any, features: dict[str, Any]) -> MulticlassPrediction | None:
        probabilities = model.predict_proba_one(features)
        return _decide(probabilities) if probabilities else None

    def learn(self, model: Any, features: dict[str, Any], label: str) -> None:
        model.learn_one(features, label)

    def error(self, label: str, prediction: MulticlassPrediction) -> float:
        return float(label != prediction.decision)

    def metrics(self) -> MulticlassMetrics:
        return MulticlassMetrics()

    def maximize(self, metric: str) -> bool:
        return metric != "LogLoss"

    def check_label(self, label: Any) -> str:
        if isinstance(label, str) and label:
            return label
        raise EventError(f"label {label!r} is no class; send its name, a string")


def _decide(probabilities: Mapping[Any, float]) -> MulticlassPrediction:
    """Names break ties, so that the same model always decides alike."""
    ordered = sorted(probabilities.items(), key=lambda item: str(item[0]))
    (first, likely), *others = nlargest(2, ordered, key=itemgetter(1))
    if not others:
        return MulticlassPrediction(str(first), _bounded(likely))
    ((second, less),) = others
    return MulticlassPrediction(str(first), _bounded(likely), str(second), _bounded(less))


def _bounded(probability: float) -> float:
    return min(1.0, max(0.0, probability))
