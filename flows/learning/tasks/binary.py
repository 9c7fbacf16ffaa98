"""Binary classification: a probability, and the class that a threshold makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.errors import EventError
from flows.learning.surprise_drift import SurpriseDrift
from flows.learning.task import Task
from flows.learning.tasks.binary_metrics import BinaryMetrics
from flows.learning.tasks.binary_prediction import BinaryPrediction


@dataclass(frozen=True, slots=True)
class BinaryClassification(Task):
    """Labels are 0 and 1. A model with a `threshold` decides by it, any other by 0.5."""

    beta: float = 1.0

    @property
    def name(self) -> str:
        return "binary"

    @property
    def label(self) -> type[float]:
        return float

    @property
    def prediction(self) -> type[BinaryPrediction]:
        return BinaryPrediction

    def predict(self, model: Any, features: dict[str, Any]) -> BinaryPrediction | None:
        probabilities = model.predict_proba_one(features)
        if not probabilities:
            return None
        probability = probabilities.get(1, 0.0)
        threshold = getattr(model, "threshold", 0.5)
        return BinaryPrediction(probability, int(probability >= threshold), threshold)

    def learn(self, model: Any, features: dict[str, Any], label: int) -> None:
        model.learn_one(features, label)

    def error(self, label: int, prediction: BinaryPrediction) -> float:
        return abs(label - prediction.probability)

    def detector(self) -> SurpriseDrift:
        """Make what watches the errors; positives may be rare."""
        return SurpriseDrift()

    def metrics(self) -> BinaryMetrics:
        return BinaryMetrics(self.beta)

    def maximize(self, metric: str) -> bool:
        return metric not in ("LogLoss", "BrierScore")

    def check_label(self, label: Any) -> int:
        if label in (0, 1):
            return int(label)
        raise EventError(f"label {label!r} is not 0 or 1; send one of these")
