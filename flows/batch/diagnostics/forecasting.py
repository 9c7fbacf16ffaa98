"""What shows how good forecasts are, on the test part."""

from __future__ import annotations

import numpy as np

from flows.batch.diagnostics.regression import (
    interval_calibration_of,
    prediction_error_of,
    residuals_of,
)
from flows.batch.diagnostics.thin import told
from flows.batch.table import Floats
from flows.batch.task import Diagnostic, Json, Subject
from flows.learning.tasks.forecasting_prediction import HORIZONS


def residuals(subject: Subject) -> Json:
    """Sales minus forecast, a day ahead."""
    labels, values, *_ = judged(subject, 1)
    return residuals_of(values, labels - values)


def prediction_error(subject: Subject) -> Json:
    """Sales beside forecasts, a day ahead."""
    labels, values, *_ = judged(subject, 1)
    return prediction_error_of(labels, values)


def interval_calibration(subject: Subject) -> Json:
    """The share of sales within the interval, a week ahead."""
    return interval_calibration_of(*judged(subject, HORIZONS))


def error_by_horizon(subject: Subject) -> Json:
    """Mean absolute errors, coverage and width by days ahead; 0 is the day itself."""
    rows = []
    for ahead in range(HORIZONS + 1):
        labels, values, low, high = judged(subject, ahead)
        inside = (low <= labels) & (labels <= high)
        means = (np.abs(labels - values), inside, high - low)
        rows.append([one.mean() if len(labels) else np.nan for one in means])
    errors, covered, widths = zip(*rows, strict=True)
    return {
        "ahead": list(range(HORIZONS + 1)),
        "mae": told(errors),
        "coverage": told(covered),
        "width": told(widths),
        "wanted": 0.8,
    }


DIAGNOSTICS: dict[str, Diagnostic] = {
    "residuals": residuals,
    "prediction_error": prediction_error,
    "interval_calibration": interval_calibration,
    "error_by_horizon": error_by_horizon,
}


def judged(subject: Subject, ahead: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Sales, forecasts so many days ahead, and their bounds; 0 is the day itself."""
    found = [
        (float(label), one.value, one.lower, one.upper)
        for label, said in zip(subject.test.labels, subject.predictions, strict=True)
        for one in ([said.today] if not ahead else list(said.made)[ahead - 1 : ahead])
        if one is not None
    ]
    columns = np.array(found, dtype=float).reshape(len(found), 4).T
    return columns[0], columns[1], columns[2], columns[3]
