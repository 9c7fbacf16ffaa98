"""Metrics of forecasts agree with their definitions, by hand and by River's."""

from __future__ import annotations

import json
import pickle
import random

import pytest
from river import metrics

from flows.learning.tasks.forecasting_metrics import SERIES_KEPT, ForecastingMetrics
from tests.forecasts import MONDAY, prediction


def fed(
    labels: list[float], ahead: list[float], series: str = "a", margin: float = 5.0
) -> ForecastingMetrics:
    made = ForecastingMetrics()
    for day, (label, value) in enumerate(zip(labels, ahead, strict=True), MONDAY):
        made.update(label, prediction(day, value, series=series, margin=margin))
    return made


@pytest.fixture
def noise() -> tuple[list[float], list[float]]:
    rng = random.Random(4)
    return [rng.randint(0, 30) for _ in range(200)], [rng.uniform(0, 30) for _ in range(200)]


def test_nothing_is_defined_before_anything_was_scored() -> None:
    assert ForecastingMetrics().values() == {}
    made = ForecastingMetrics()
    made.update(3.0, prediction(MONDAY))
    assert made.values() == {}


@pytest.mark.parametrize(
    ("name", "metric"),
    [("MAE", metrics.MAE()), ("RMSE", metrics.RMSE()), ("SMAPE", metrics.SMAPE())],
)
def test_errors_are_those_of_river(
    noise: tuple[list[float], list[float]], name: str, metric: metrics.base.RegressionMetric
) -> None:
    for label, value in zip(*noise, strict=True):
        metric.update(label, value)
    values = fed(*noise).values()
    assert values[f"{name}_h1"] == values[name] == pytest.approx(metric.get())


def test_names_without_a_horizon_are_means_over_horizons() -> None:
    made = ForecastingMetrics()
    made.update(10, prediction(MONDAY, 11, 13))
    assert made.values()["MAE"] == 2.0
    assert "MAE_h3" not in made.values()


def test_coverage_and_width_are_those_of_the_intervals() -> None:
    values = fed([10, 10, 10, 10], [10, 15, 16, 4], margin=5.0).values()
    assert values["Coverage_h1"] == 0.5
    assert values["Width_h1"] == 10


def test_mase_of_a_week_before_is_one(noise: tuple[list[float], list[float]]) -> None:
    labels, _ = noise
    values = fed(labels, [0.0] * 7 + labels[:-7]).values()
    assert values["MASE"] == pytest.approx(1.0)


def test_mase_is_by_series_so_that_large_ones_do_not_drown_small_ones() -> None:
    made = ForecastingMetrics()
    for series, size in (("small", 1), ("large", 1000)):
        share = 0.5 if series == "small" else 1.0
        for day in range(70):
            label = size * (day // 7 % 2)
            off = size * share if day >= 7 else 0
            made.update(label, prediction(MONDAY + day, label + off, series=series))
    assert made.values()["MASE_h1"] == pytest.approx(0.75)


def test_mase_scores_all_horizons_by_the_same_naive_forecast() -> None:
    made = ForecastingMetrics()
    for day in range(28):
        made.update(day, prediction(MONDAY + day, day + 7, day + 14, day - 3.5))
    values = made.values()
    assert [values[f"MASE_h{n}"] for n in (1, 2, 3)] == pytest.approx([1.0, 2.0, 0.5])


def test_a_missing_week_is_bridged_by_the_one_before() -> None:
    made = ForecastingMetrics()
    made.update(10, prediction(MONDAY, 10))
    made.update(20, prediction(MONDAY + 14, 15))
    assert made.values()["MASE_h1"] == pytest.approx(0.5)


def test_without_any_week_before_there_is_no_mase() -> None:
    made = fed([1, 2, 3], [1, 1, 1])
    assert "MASE" not in made.values()


def test_report_is_plain_json_with_history(
    noise: tuple[list[float], list[float]],
) -> None:
    report = json.loads(json.dumps(fed(*noise).report()))
    one = report["series"]["a"]
    assert len(one["days"]) == len(one["quantity"]) == len(one["forecast"]) == 12
    assert one["quantity"] == noise[0][-12:]
    assert report["horizons"][0]["count"] == 200
    assert "MASE" in report["horizons"][0]


def test_report_is_of_the_newest_hundred_series() -> None:
    made = ForecastingMetrics()
    for number in range(130):
        made.update(1, prediction(MONDAY, 1, series=f"{number:04d}"))
    report = made.report()
    assert report["series_count"] == 130
    assert list(report["series"]) == [f"{number:04d}" for number in range(30, 130)]


def test_series_are_bounded() -> None:
    made = ForecastingMetrics()
    for number in range(SERIES_KEPT + 10):
        made.update(1, prediction(MONDAY, 1, series=str(number)))
    assert made.report()["series_count"] == SERIES_KEPT


def test_a_late_label_comes_before_newer_ones() -> None:
    made = fed([1, 2, 3], [1, 1, 1])
    made.update(9, prediction(MONDAY - 1, 1))
    one = made.report()["series"]["a"]
    assert one["quantity"] == [9, 1, 2, 3]
    assert one["days"] == sorted(one["days"])


def test_the_last_day_of_time_can_be_reported() -> None:
    made = ForecastingMetrics()
    made.update(1, prediction(3_652_059, 1))
    assert made.report()["series"]["a"]["days"] == ["9999-12-31"]


def test_pickle_goes_on_as_the_original_does(noise: tuple[list[float], list[float]]) -> None:
    original = fed(*noise)
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for made in (original, restored):
        made.update(4, prediction(MONDAY + 300, 1, 2))
    assert restored.values() == original.values()
    assert restored.report() == original.report()
