"""The metrics of forecasting, by horizon, fed once per event."""

from __future__ import annotations

from collections import OrderedDict
from math import sqrt
from typing import Any

import msgspec

from flows.learning.tasks.forecasting_prediction import (
    HORIZONS,
    Forecast,
    ForecastingPrediction,
    iso_date,
)

SEASON = 7
HISTORY = 28
SERIES_KEPT = 5_000
SERIES_REPORTED = 100
DAYS_REPORTED = 12


class Sums(msgspec.Struct, gc=False):
    """What has been added up of one horizon."""

    count: int = 0
    absolute: float = 0.0
    squared: float = 0.0
    symmetric: float = 0.0
    inside: int = 0
    width: float = 0.0


class Past(msgspec.Struct):
    """A series as the metrics know it: labels by day, misses beside the naive forecast's."""

    labels: dict[int, float]
    ahead: dict[int, Forecast]
    counts: list[int]
    misses: list[float]
    naive_misses: list[float]


class ForecastingMetrics:
    """Test-then-train metrics of forecasts for many series.

    MAE, RMSE and Width are in units, SMAPE in percent (0 to 200), Coverage a share. MASE is the
    model's mean absolute error divided by the one of "as a week before" over the same days of the
    same series (Hyndman and Koehler, 2006), averaged over series by their number of days; where the
    week before is not known, the newest same weekday within 4 weeks is taken. `MAE_h1` to `MAE_h7`
    and so on are of one horizon, names without one are means over horizons.
    """

    def __init__(self) -> None:
        self._sums = [Sums() for _ in range(HORIZONS)]
        self._series: OrderedDict[str, Past] = OrderedDict()

    def update(self, label: float, prediction: ForecastingPrediction, _time: float = 0.0) -> None:
        """Count the forecasts that had been made for a day whose label is known now."""
        past, day = self._past(prediction.series), prediction.day
        naive = _week_before(past.labels, day)
        naive_miss = 0.0 if naive is None else abs(label - naive)
        for number, (forecast, sums) in enumerate(zip(prediction.made, self._sums, strict=True)):
            if forecast is not None:
                miss = _add(sums, label, forecast)
                if naive is not None:
                    past.counts[number] += 1
                    past.misses[number] += miss
                    past.naive_misses[number] += naive_miss
        self._remember(past, label, prediction)

    def values(self) -> dict[str, float]:
        """Every metric by name; those that are not defined yet are left out."""
        rows = self._by_horizon()
        values: dict[str, float] = {}
        for name in ("MAE", "RMSE", "SMAPE", "MASE", "Coverage", "Width"):
            known = {row["horizon"]: row[name] for row in rows if name in row}
            if known:
                values[name] = sum(known.values()) / len(known)
            values |= {f"{name}_h{horizon}": value for horizon, value in known.items()}
        return values

    def report(self) -> dict[str, Any]:
        """Every metric by horizon; of the newest series their last days."""
        newest = list(self._series.items())[-SERIES_REPORTED:]
        return {
            "horizons": self._by_horizon(),
            "coverage_wanted": 0.8,
            "series_count": len(self._series),
            "series": {name: _told(past) for name, past in sorted(newest)},
        }

    def _past(self, name: str) -> Past:
        past = self._series.get(name)
        if past is None:
            zeros = [0.0] * HORIZONS
            past = self._series[name] = Past({}, {}, [0] * HORIZONS, zeros, zeros.copy())
            if len(self._series) > SERIES_KEPT:
                self._series.popitem(last=False)
        self._series.move_to_end(name)
        return past

    def _remember(self, past: Past, label: float, prediction: ForecastingPrediction) -> None:
        day = prediction.day
        past.labels[day] = label
        if prediction.made.h1 is not None:
            past.ahead[day] = prediction.made.h1
        for known in (past.labels, past.ahead):
            if len(known) > HISTORY:
                del known[min(known)]

    def _by_horizon(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for number, sums in enumerate(self._sums):
            row: dict[str, Any] = {"horizon": number + 1, "count": sums.count}
            if sums.count:
                row |= _means(sums)
            mase = self._mase(number)
            if mase is not None:
                row["MASE"] = mase
            rows.append(row)
        return rows

    def _mase(self, number: int) -> float | None:
        scored = [past for past in self._series.values() if past.naive_misses[number]]
        if not scored:
            return None
        ratios = (
            past.counts[number] * past.misses[number] / past.naive_misses[number] for past in scored
        )
        return sum(ratios) / sum(past.counts[number] for past in scored)


def _week_before(labels: dict[int, float], day: int) -> float | None:
    for before in range(day - SEASON, day - HISTORY - 1, -SEASON):
        if before in labels:
            return labels[before]
    return None


def _add(sums: Sums, label: float, forecast: Forecast) -> float:
    """Count a forecast; returns by how much it missed."""
    value, lower, upper = forecast.value, forecast.lower, forecast.upper
    miss = abs(label - value)
    sums.count += 1
    sums.absolute += miss
    sums.squared += miss * miss
    if miss:
        sums.symmetric += 2 * miss / (abs(label) + abs(value))
    if lower <= label <= upper:
        sums.inside += 1
    sums.width += upper - lower
    return miss


def _means(sums: Sums) -> dict[str, float]:
    return {
        "MAE": sums.absolute / sums.count,
        "RMSE": sqrt(sums.squared / sums.count),
        "SMAPE": 100 * sums.symmetric / sums.count,
        "Coverage": sums.inside / sums.count,
        "Width": sums.width / sums.count,
    }


def _told(past: Past) -> dict[str, Any]:
    """A series as plain JSON, short: columns for its history."""
    days = sorted(past.labels)[-DAYS_REPORTED:]
    ahead = [past.ahead.get(day) for day in days]
    told: dict[str, Any] = {
        "days": [iso_date(day) for day in days],
        "quantity": [past.labels[day] for day in days],
        "forecast": [forecast and round(forecast.value, 1) for forecast in ahead],
        "lower": [forecast and round(forecast.lower, 1) for forecast in ahead],
        "upper": [forecast and round(forecast.upper, 1) for forecast in ahead],
    }
    if past.naive_misses[0]:
        told["MASE_h1"] = round(past.misses[0] / past.naive_misses[0], 3)
    return told
