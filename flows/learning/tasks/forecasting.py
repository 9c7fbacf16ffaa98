"""Forecasting of many daily series: what was said of a day in the week before it is what counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from msgspec.structs import asdict

from flows.errors import EventError
from flows.learning.task import Task
from flows.learning.tasks.forecasting_metrics import ForecastingMetrics
from flows.learning.tasks.forecasting_prediction import (
    ForecastingAnswer,
    ForecastingPrediction,
    Horizons,
)

LARGEST_ERROR = 8.0


@dataclass(frozen=True, slots=True)
class Forecasting(Task):
    """Labels are quantities, 0 or more; horizons are 1 to 7 days.

    A forecast `h` days ahead of a day knows no sales later than `h` days before it: it is the
    newest one that the model had issued, by learning, from a day at least `h` days before. With an
    event a day that is the one from exactly `h` days before; days without one, and labels that come
    late, leave an older one. Besides the series' own past it knows the calendar, and whether the
    product was promoted, and at what price, on the day it was issued; promotions of later days
    are not known ahead. Each event is one observation of its day: several on a day are not added
    up, each is scored, and each is learnt.

    The model offers `forecast_one(features)`, which gives `today` and `made` of a
    ForecastingPrediction or None, `fan_one(features)` for the days after it, and
    `learn_one(features, quantity)`. Features name the `series` and the `day`.
    """

    @property
    def name(self) -> str:
        return "forecasting"

    @property
    def label(self) -> type[float]:
        return float

    @property
    def prediction(self) -> type[ForecastingPrediction]:
        return ForecastingPrediction

    def predict(self, model: Any, features: dict[str, Any]) -> ForecastingPrediction | None:
        outlook = model.forecast_one(features)
        if outlook is None:
            return None
        return ForecastingPrediction(features["series"], features["day"], *outlook)

    @property
    def answers(self) -> type[ForecastingAnswer]:
        return ForecastingAnswer

    def answer(self, model: Any, features: dict[str, Any]) -> ForecastingAnswer | None:
        said = self.predict(model, features)
        if said is None:
            return None
        fan = Horizons(*model.fan_one(features))
        return ForecastingAnswer(**asdict(said), fan=fan)

    def told(self, prediction: ForecastingPrediction | None) -> ForecastingAnswer | None:
        """Without the days ahead, which nobody forecast."""
        if prediction is None or isinstance(prediction, ForecastingAnswer):
            return prediction
        return ForecastingAnswer(**asdict(prediction), fan=Horizons())

    def learn(self, model: Any, features: dict[str, Any], label: float) -> None:
        model.learn_one(features, label)

    def error(self, label: float, prediction: ForecastingPrediction) -> float:
        """Squared miss of the day's own forecast, 8 where it is as large as its interval is wide.

        About 1 on average, and at most 8. It knows of the day's promotion, so that a season of many
        campaigns is no drift; squared, it tells a few large misses from the usual small ones.
        """
        today = prediction.today
        miss = (label - today.value) / max(today.upper - today.lower, 1.0)
        return LARGEST_ERROR * min(1.0, miss * miss)

    def metrics(self) -> ForecastingMetrics:
        return ForecastingMetrics()

    def maximize(self, metric: str) -> bool:
        """Only coverage is better when it is larger."""
        return metric.startswith("Coverage")

    def check_label(self, label: Any) -> int | float:
        """Whole numbers stay whole."""
        number = isinstance(label, int | float) and not isinstance(label, bool)
        if number and isfinite(label) and label >= 0:
            return int(label) if label == int(label) else float(label)
        raise EventError(f"label {label!r} is no quantity; send a number, 0 or more")
