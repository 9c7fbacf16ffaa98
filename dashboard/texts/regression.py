"""Metrics of numbers, with and without an interval."""

from __future__ import annotations

from dashboard.texts.metric import NEWEST, Metric

INTERVAL = 0.8
"""The share of labels that an interval is to hold."""

REGRESSION = {
    "MAE": Metric(
        "MAE",
        "How far off predictions are, on average.",
        "mean |actual - predicted|",
        "0 is perfect; good is clearly below the challenger's, bad above it.",
        "quantity",
    ),
    "RMSE": Metric(
        "RMSE",
        "How far off, with large misses weighing more.",
        "√ mean (actual - predicted)²",
        "0 is perfect; near MAE is good, far above it bad: a few misses are very large.",
        "quantity",
    ),
    "R2": Metric(
        "R²",
        "Share of the labels' variance that is explained.",
        "1 - squared error / squared error of always saying the mean",
        "1 is perfect, above 0.8 is good; 0 is as bad as saying the mean, below 0 worse.",
    ),
    "MSE": Metric(
        "MSE",
        "Mean squared error, in the square of the unit.",
        "mean (actual - predicted)²",
        "0 is perfect; good is below, bad above the challenger's. RMSE is its root.",
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
        "0 is perfect, 200 % the worst; below 20 % is good, above 50 % poor.",
        "percent",
    ),
    "RMSLE": Metric(
        "RMSLE",
        "How far off, as a ratio: 0.1 is about 10 %.",
        "√ mean (ln(1 + actual) - ln(1 + predicted))²",
        "0 is perfect; below 0.2 is good, above 0.5 poor. Too little costs more than too much.",
    ),
    "RollingMAE": Metric(
        "Rolling MAE",
        "MAE of the newest events only.",
        "mean |actual - predicted| of the last 1 000 events",
        "At MAE or below is good, far above bad; rises first when the stream drifts.",
        "quantity",
        source=NEWEST,
    ),
    "RollingRMSE": Metric(
        "Rolling RMSE",
        "RMSE of the newest events only.",
        "√ mean (actual - predicted)² of the last 1 000 events",
        "At RMSE or below is good, far above bad; rises first when the stream drifts.",
        "quantity",
        source=NEWEST,
    ),
    "TimeRollingMAE": Metric(
        "MAE of five minutes",
        "MAE of the newest five minutes of event time.",
        "mean |actual - predicted| of the last 300 s",
        "At MAE or below is good, far above bad; jumps about where events are few.",
        "quantity",
        source=NEWEST,
    ),
    "Coverage": Metric(
        "Coverage",
        "Share of labels that lay within their interval.",
        "labels with lower ≤ actual ≤ upper / all labels",
        "80 % is good, being honest; below is bad, intervals being too narrow; above, too wide.",
        "share",
        INTERVAL,
    ),
    "Width": Metric(
        "Interval width",
        "How wide the intervals are, on average.",
        "mean (upper - lower)",
        "Narrow is good while coverage stays at 80 %, and bad where it does not.",
        "quantity",
    ),
}
