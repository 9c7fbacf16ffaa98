"""Metrics of forecasts; those of one horizon end in `_h1` to `_h7`."""

from __future__ import annotations

from dataclasses import replace

from dashboard.texts.metric import Metric

FORECASTING = {
    "MASE": Metric(
        "MASE",
        "Error beside that of “as a week before”.",
        "MAE / MAE of last week's value, series by series",
        "0 is perfect, below 0.8 is good; above 1 is bad: last week's value does better.",
    ),
}


def of_horizon(metric: Metric, days: int) -> Metric:
    """Explain a metric of forecasts that were made so many days ahead."""
    ahead = "a day" if days == 1 else f"{days} days"
    return replace(
        metric,
        label=f"{metric.label}, {ahead} ahead",
        sentence=f"{metric.sentence} Forecasts made {ahead} ahead.",
    )
