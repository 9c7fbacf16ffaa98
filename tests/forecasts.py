"""Forecasts and series for the tests of forecasting."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import exp
from typing import Any

from flows.learning.tasks.forecasting_prediction import Forecast, ForecastingPrediction, Horizons

MONDAY = 739_257
WEEK = (1.0, 0.9, 0.9, 1.0, 1.2, 1.5, 1.4)

Day = tuple[dict[Any, Any], int]


def forecast(value: float, margin: float = 5.0) -> Forecast:
    return Forecast(value, value - margin, value + margin)


def prediction(
    day: int, *values: float | None, series: str = "a", margin: float = 5.0
) -> ForecastingPrediction:
    """Forecasts of these values had been made 1, 2, … days before."""
    made = Horizons(*[None if value is None else forecast(value, margin) for value in values])
    return ForecastingPrediction(series, day, forecast(0.0), made)


def features(day: int, series: str = "tea/north", **others: Any) -> dict[Any, Any]:
    product, store = series.split("/")
    return {"series": series, "product": product, "store": store, "day": day, **others}


def shop(
    days: int,
    *,
    seed: int = 1,
    series: tuple[str, ...] = ("tea/north", "tea/south", "salt/north"),
    level: float = 60.0,
    start: int = MONDAY,
) -> Iterator[Day]:
    """Weekly demand with a tenth of noise; promotion of one week in five doubles it."""
    rng = random.Random(seed)
    for day in range(start, start + days):
        for name in series:
            promoted = (day - MONDAY) // 7 % 5 == 4
            price = 8.0 if promoted else 10.0
            mean = level * WEEK[(day + 6) % 7] * (2 if promoted else 1)
            x = features(day, name, price=price, promotion=promoted, holiday=False)
            yield (
                x | {"campaign": f"c{(day - MONDAY) // 7}" if promoted else None},
                round(mean * exp(rng.gauss(0, 0.1))),
            )
