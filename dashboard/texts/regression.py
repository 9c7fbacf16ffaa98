"""Metrics of numbers, with and without an interval."""

from __future__ import annotations

from dashboard.texts.metric import Metric

INTERVAL = 0.8
"""The share of labels that an interval is to hold."""

REGRESSION = {
    "MAE": Metric(
        "MAE",
        "How far off predictions are, on average.",
        "mean |actual - predicted|",
        "0 is perfect; compare with the challenger, and with how much the labels differ.",
        "quantity",
    ),
    "RMSE": Metric(
        "RMSE",
        "How far off, with large misses weighing more.",
        "√ mean (actual - predicted)²",
        "0 is perfect; far above MAE means that a few misses are very large.",
        "quantity",
    ),
    "R2": Metric(
        "R²",
        "Share of the labels' variance that is explained.",
        "1 - squared error / squared error of always saying the mean",
        "1 is perfect, 0 is no better than the mean, below 0 is worse; above 0.8 is good.",
    ),
    "MSE": Metric(
        "MSE",
        "Mean squared error, in the square of the unit.",
        "mean (actual - predicted)²",
        "0 is perfect; RMSE is its root, in the label's own unit.",
    ),
    "MAPE": Metric(
        "MAPE",
        "How far off, as a part of the actual value.",
        "100 · mean |actual - predicted| / |actual|",
        "0 is perfect; below 10 % is very good, above 50 % poor. Small labels weigh most.",
        "percent",
    ),
    "SMAPE": Metric(
        "SMAPE",
        "How far off, as a part of the mean of both values.",
        "200 · mean |actual - predicted| / (|actual| + |predicted|)",
        "0 is perfect, 200 % the worst; below 20 % is good.",
        "percent",
    ),
    "RMSLE": Metric(
        "RMSLE",
        "How far off, as a ratio: 0.1 is about 10 %.",
        "√ mean (ln(1 + actual) - ln(1 + predicted))²",
        "0 is perfect; below 0.2 is good. Too little costs more than too much.",
    ),
    "RollingMAE": Metric(
        "Rolling MAE",
        "MAE of the newest events only.",
        "mean |actual - predicted| of the last 1 000 events",
        "Rises before MAE does when the stream drifts; at MAE or below is good.",
        "quantity",
    ),
    "RollingRMSE": Metric(
        "Rolling RMSE",
        "RMSE of the newest events only.",
        "√ mean (actual - predicted)² of the last 1 000 events",
        "Rises before RMSE does when the stream drifts; at RMSE or below is good.",
        "quantity",
    ),
    "TimeRollingMAE": Metric(
        "MAE of five minutes",
        "MAE of the newest five minutes of event time.",
        "mean |actual - predicted| of the last 300 s",
        "Jumps about where events are few; at MAE or below is good.",
        "quantity",
    ),
    "Coverage": Metric(
        "Coverage",
        "Share of labels that lay within their interval.",
        "labels with lower ≤ actual ≤ upper / all labels",
        "80 % is honest: below, intervals are too narrow; above, wider than need be.",
        "share",
        INTERVAL,
    ),
    "Width": Metric(
        "Interval width",
        "How wide the intervals are, on average.",
        "mean (upper - lower)",
        "The narrower the better, as long as coverage stays at 80 %.",
        "quantity",
    ),
}
