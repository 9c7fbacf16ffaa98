"""What shows how good numbers and their intervals are, on the test part."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from flows.batch.diagnostics import inputs
from flows.batch.diagnostics.thin import places, told
from flows.batch.table import Floats
from flows.batch.task import Diagnostic, Json, Subject

POINTS = 1_000
BINS = 40
GROUPS = 10


def residuals(subject: Subject) -> Json:
    """Label minus value: by value, as a histogram, and against a normal distribution."""
    labels, values = judged(subject)
    off = labels - values
    return residuals_of(values, off)


def residuals_of(values: Floats, off: Floats) -> Json:
    """Residuals of predictions, for a scatter, a histogram and a quantile plot."""
    chosen = places(len(off), POINTS)
    low, high = np.quantile(off, (0.005, 0.995))
    counts, edges = np.histogram(off, bins=BINS, range=(low, max(high, low + 1e-9)))
    shares = (np.arange(1, 100) / 100).tolist()
    return {
        "predicted": told(values[chosen]),
        "residual": told(off[chosen]),
        "histogram": {"edges": told(edges), "count": counts.tolist()},
        "quantiles": {
            "normal": told(stats.norm.ppf(shares)),
            "residual": told(np.quantile(off, shares)),
        },
        "mean": float(off.mean()),
        "median": float(np.median(off)),
        "spread": float(off.std()),
    }


def prediction_error(subject: Subject) -> Json:
    """Labels beside values, some of them, and how well they agree."""
    return prediction_error_of(*judged(subject))


def prediction_error_of(labels: Floats, values: Floats) -> Json:
    """Labels beside values, and the line that fits them best."""
    chosen = places(len(labels), POINTS)
    slope, intercept = np.polyfit(values, labels, 1) if np.ptp(values) > 0 else (0.0, labels.mean())
    scatter = ((labels - labels.mean()) ** 2).sum()
    r2 = 1 - ((labels - values) ** 2).sum() / scatter if scatter else None
    return {
        "actual": told(labels[chosen]),
        "predicted": told(values[chosen]),
        "best_fit": {"slope": float(slope), "intercept": float(intercept)},
        "r2": None if r2 is None else float(r2),
    }


def interval_calibration(subject: Subject) -> Json:
    """The share of labels within the interval, by how large values are, in equal groups."""
    labels, values = judged(subject)
    low = np.array([one.lower for one in subject.predictions])
    high = np.array([one.upper for one in subject.predictions])
    return interval_calibration_of(labels, values, low, high)


def interval_calibration_of(labels: Floats, values: Floats, low: Floats, high: Floats) -> Json:
    """Coverage and mean width of intervals, by value."""
    inside = (low <= labels) & (labels <= high)
    order = np.argsort(values, kind="stable")
    groups = [part for part in np.array_split(order, GROUPS) if len(part)]

    def means(of: Any) -> list[float | None]:
        return told([of[part].mean() for part in groups])

    return {
        "predicted": means(values),
        "covered": means(inside.astype(float)),
        "width": means(high - low),
        "below": means((labels < low).astype(float)),
        "above": means((labels > high).astype(float)),
        "wanted": 0.8,
        "coverage": float(inside.mean()),
    }


DIAGNOSTICS: dict[str, Diagnostic] = {
    "residuals": residuals,
    "prediction_error": prediction_error,
    "interval_calibration": interval_calibration,
    **inputs.DIAGNOSTICS,
}


def judged(subject: Subject) -> tuple[Floats, Floats]:
    """Labels and values of the test part."""
    values = [one.value for one in subject.predictions]
    return subject.test.labels.astype(float), np.array(values, dtype=float)
