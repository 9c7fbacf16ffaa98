"""Regression: a number, and an interval that holds four of five."""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh, isfinite, log, nan
from typing import Any

from flows.errors import EventError
from flows.learning.task import Task
from flows.learning.tasks.regression_metrics import RegressionMetrics
from flows.learning.tasks.regression_prediction import RegressionPrediction

LARGEST_ERROR = 4.0
ONE_THIRD_OFF = 1 / 3
"""Counts as an error of 1, so that detectors of change in [0, 1] see what matters."""


@dataclass(frozen=True, slots=True)
class Regression(Task):
    """Labels are finite numbers of at least `least`, in `unit`.

    A model with `predict_interval_one`, which returns value, lower and upper bound, gives
    intervals. A `relative` task counts errors by how many times too much or too little was said.
    `resolution` is the smallest difference that reports tell apart near zero.
    """

    unit: str = ""
    least: float = float("-inf")
    relative: bool = False
    resolution: float = 1.0

    @property
    def name(self) -> str:
        return "regression"

    @property
    def label(self) -> type[float]:
        return float

    @property
    def prediction(self) -> type[RegressionPrediction]:
        return RegressionPrediction

    def predict(self, model: Any, features: dict[str, Any]) -> RegressionPrediction | None:
        interval = getattr(model, "predict_interval_one", None)
        if interval is not None:
            found = interval(features)
            return None if found is None else RegressionPrediction(*found)
        value = model.predict_one(features)
        if value is None or not isfinite(value):
            return None
        return RegressionPrediction(float(value))

    def learn(self, model: Any, features: dict[str, Any], label: float) -> None:
        model.learn_one(features, label)

    def error(self, label: float, prediction: RegressionPrediction) -> float:
        """How far off, as a logarithm that few outliers can move: relative, or of the distance."""
        value = prediction.value
        if not self.relative:
            return asinh(abs(label - value) / self.resolution)
        ratio = max(label, self.resolution) / max(value, self.resolution)
        return min(abs(log(ratio)) / ONE_THIRD_OFF, LARGEST_ERROR)

    def metrics(self) -> RegressionMetrics:
        return RegressionMetrics(self.resolution)

    def maximize(self, metric: str) -> bool:
        """Whether more of a metric is better."""
        return metric == "R2"

    def check_label(self, label: Any) -> float:
        number = float(label) if isinstance(label, int | float) else nan
        if isfinite(number) and number >= self.least and not isinstance(label, bool):
            return number
        raise EventError(f"label {label!r} is no number {self._range()}; send one")

    def _range(self) -> str:
        return f"of at least {self.least:g}" if isfinite(self.least) else "that is finite"
