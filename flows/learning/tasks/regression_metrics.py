"""The metrics of regression, fed once per event, as running sums."""

from __future__ import annotations

from math import log1p, sqrt
from typing import Any

from flows.learning.tasks.regression_prediction import RegressionPrediction
from flows.learning.tasks.regression_report import RegressionReport
from flows.learning.tasks.rolling_errors import RollingErrors, TimedErrors

ROLLING_WINDOW = 1000
ROLLING_SECONDS = 300


class RegressionMetrics:
    """Test-then-train metrics of a regressor.

    They are those of River, computed from shared sums: MAPE and SMAPE in percent, RMSLE while all
    values are above -1. `Coverage` is the share of labels within the interval, `Width` its mean
    width. `TimeRollingMAE` is of the last five minutes of event time, to the second.
    """

    def __init__(self, resolution: float = 1.0) -> None:
        self.count = 0
        self._absolute = 0.0
        self._squared = 0.0
        self._percentage = 0.0
        self._symmetric = 0.0
        self._logarithmic = 0.0
        self._mean = 0.0
        self._deviations = 0.0
        self._intervals = 0
        self._covered = 0
        self._widths = 0.0
        self._recent = RollingErrors(ROLLING_WINDOW)
        self._timed = TimedErrors(ROLLING_SECONDS)
        self._report = RegressionReport(resolution)

    def update(self, label: float, prediction: RegressionPrediction, time: float = 0.0) -> None:
        """Count one prediction that was made before its label was known. `time`: seconds."""
        value = prediction.value
        error = abs(label - value)
        self.count += 1
        self._absolute += error
        self._squared += error * error
        if label:
            self._percentage += error / abs(label)
        if error:
            self._symmetric += error / (abs(label) + abs(value))
        self._add_logarithms(label, value)
        surprise = label - self._mean
        self._mean += surprise / self.count
        self._deviations += surprise * (label - self._mean)
        covered = self._add_interval(label, prediction)
        self._recent.add(error)
        self._timed.add(error, time)
        self._report.add(label, value, covered)

    def _add_logarithms(self, label: float, value: float) -> None:
        if label > -1 and value > -1:
            self._logarithmic += (log1p(label) - log1p(value)) ** 2
        else:
            self._logarithmic = float("nan")

    def _add_interval(self, label: float, prediction: RegressionPrediction) -> bool:
        lower, upper = prediction.lower, prediction.upper
        if lower is None or upper is None:
            return False
        covered = lower <= label <= upper
        self._intervals += 1
        self._covered += covered
        self._widths += upper - lower
        return covered

    def values(self) -> dict[str, float]:
        """Every metric by name; those that are not defined yet are left out."""
        count = self.count
        if not count:
            return {}
        mse = self._squared / count
        values = {
            "MAE": self._absolute / count,
            "RMSE": sqrt(mse),
            "MAPE": 100 * self._percentage / count,
            "SMAPE": 200 * self._symmetric / count,
            "MSE": mse,
            "RollingMAE": self._recent.mean(),
            "RollingRMSE": self._recent.root_mean_square(),
            "TimeRollingMAE": self._timed.mean(),
        }
        return values | self._sometimes()

    def _sometimes(self) -> dict[str, float]:
        """Metrics that some streams or models do not have."""
        values = {}
        if self._deviations > 0:
            values["R2"] = 1 - self._squared / self._deviations
        if self._logarithmic == self._logarithmic:
            values["RMSLE"] = sqrt(self._logarithmic / self.count)
        if self._intervals:
            values["Coverage"] = self._covered / self._intervals
            values["Width"] = self._widths / self._intervals
        return values

    def report(self) -> dict[str, Any]:
        """Residuals, errors by how much was predicted, and predicted against actual values."""
        return self._report.as_json()
