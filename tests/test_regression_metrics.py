"""Regression metrics are River's, from running sums."""

from __future__ import annotations

import datetime as dt
import json
import math
import pickle
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import metrics, utils

from flows.learning.tasks.regression_metrics import (
    ROLLING_SECONDS,
    ROLLING_WINDOW,
    RegressionMetrics,
)
from flows.learning.tasks.regression_prediction import RegressionPrediction
from flows.learning.tasks.regression_report import BATCH

Outcome = tuple[float, RegressionPrediction, float]

START = 1_767_225_600
JANUARY = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - River wants none
SECOND = dt.timedelta(seconds=1)
PLAIN = ("MAE", "RMSE", "MAPE", "R2", "SMAPE", "MSE", "RMSLE")
NAMES = {*PLAIN, "RollingMAE", "RollingRMSE", "TimeRollingMAE", "Coverage", "Width"}


def outcomes(count: int, seed: int = 0) -> list[Outcome]:
    """Lengths of trips, predicted 20 % off or so, some seconds apart."""
    rng, time, drawn = random.Random(seed), START, []
    for _ in range(count):
        time += rng.choice((0, 0, 1, 2, 5))
        value = rng.lognormvariate(7, 0.8)
        label = float(round(value * rng.lognormvariate(0, 0.2)))
        drawn.append((label, RegressionPrediction(value, value * 0.8, value * 1.25), float(time)))
    return drawn


def fed(drawn: list[Outcome]) -> RegressionMetrics:
    ours = RegressionMetrics()
    for outcome in drawn:
        ours.update(*outcome)
    return ours


@pytest.fixture(scope="module")
def drawn() -> list[Outcome]:
    return outcomes(5000)


def test_every_name_is_there(drawn: list[Outcome]) -> None:
    assert set(fed(drawn).values()) == NAMES


@pytest.mark.parametrize("name", PLAIN)
def test_a_metric_is_that_of_river(name: str, drawn: list[Outcome]) -> None:
    theirs = getattr(metrics, name)()
    for label, prediction, _ in drawn:
        theirs.update(label, prediction.value)
    assert fed(drawn).values()[name] == pytest.approx(theirs.get(), rel=1e-9)


@pytest.mark.parametrize("count", [1, ROLLING_WINDOW - 1, ROLLING_WINDOW + 1, 5000])
@pytest.mark.parametrize("name", ["MAE", "RMSE"])
def test_a_rolling_metric_is_that_of_river(name: str, count: int, drawn: list[Outcome]) -> None:
    theirs: Any = utils.Rolling(getattr(metrics, name), window_size=ROLLING_WINDOW)
    for label, prediction, _ in drawn[:count]:
        theirs.update(label, prediction.value)
    ours = fed(drawn[:count]).values()[f"Rolling{name}"]
    assert ours == pytest.approx(theirs.get(), rel=1e-9)


@pytest.mark.parametrize("count", [1, 50, 2000, 5000])
def test_the_time_rolling_error_is_that_of_river(count: int, drawn: list[Outcome]) -> None:
    theirs: Any = utils.TimeRolling(metrics.MAE, period=dt.timedelta(seconds=ROLLING_SECONDS))
    for label, prediction, time in drawn[:count]:
        theirs.update(label, prediction.value, t=JANUARY + (time - START) * SECOND)
    ours = fed(drawn[:count]).values()["TimeRollingMAE"]
    assert ours == pytest.approx(theirs.get(), rel=1e-9)


def test_a_late_event_counts_as_of_the_newest_second() -> None:
    ours = RegressionMetrics()
    ours.update(2.0, RegressionPrediction(1.0), START + 1000.0)
    ours.update(4.0, RegressionPrediction(1.0), START + 1.0)
    assert ours.values()["TimeRollingMAE"] == 2.0


def test_a_long_pause_leaves_only_the_newest() -> None:
    ours = RegressionMetrics()
    ours.update(2.0, RegressionPrediction(1.0), START)
    ours.update(4.0, RegressionPrediction(1.0), START + ROLLING_SECONDS)
    assert ours.values()["TimeRollingMAE"] == 3.0


def test_coverage_and_width_are_of_the_interval() -> None:
    ours = RegressionMetrics()
    for label in (0.0, 1.0, 2.0, 3.0, 4.0):
        ours.update(label, RegressionPrediction(2.0, 1.0, 3.0))
    assert ours.values()["Coverage"] == 3 / 5
    assert ours.values()["Width"] == 2.0


def test_nothing_is_defined_before_an_event() -> None:
    assert RegressionMetrics().values() == {}
    json.dumps(RegressionMetrics().report())


def test_without_intervals_nothing_is_said_of_them() -> None:
    ours = RegressionMetrics()
    ours.update(1.0, RegressionPrediction(2.0))
    assert NAMES - set(ours.values()) == {"Coverage", "Width", "R2"}


def test_logarithms_are_left_out_where_there_are_none() -> None:
    ours = RegressionMetrics()
    ours.update(-3.0, RegressionPrediction(2.0))
    ours.update(3.0, RegressionPrediction(2.0))
    assert "RMSLE" not in ours.values()
    assert ours.values()["MAE"] == 3.0


def test_residuals_are_all_counted(drawn: list[Outcome]) -> None:
    shown = fed(drawn).report()["residuals"]
    assert len(shown["edges"]) == len(shown["counts"]) + 1
    total = sum(shown["counts"]) + shown["below"] + shown["above"]
    assert total == pytest.approx(len(drawn), abs=1e-6)
    assert shown["below"] + shown["above"] <= 0.03 * len(drawn)


def test_residuals_are_where_they_belong() -> None:
    ours = RegressionMetrics()
    for number in range(1000):
        ours.update(1000.0 + number % 100, RegressionPrediction(1000.0))
    shown = ours.report()["residuals"]
    half = sum(
        count for count, left in zip(shown["counts"], shown["edges"], strict=False) if left < 49
    )
    assert half == pytest.approx(500, abs=40)


def test_errors_are_told_by_how_much_was_predicted(drawn: list[Outcome]) -> None:
    rows = fed(drawn).report()["error_by_prediction"]
    assert len(rows) == 10
    assert sum(row["count"] for row in rows) == len(drawn)
    predicted = [row["predicted"] for row in rows]
    assert predicted == sorted(predicted)
    for row in rows:
        assert 0.6 * len(drawn) / 10 < row["count"] < 1.4 * len(drawn) / 10
        assert row["mean_absolute_error"] == pytest.approx(0.16 * row["predicted"], rel=0.2)
        assert row["coverage"] == pytest.approx(0.73, abs=0.08)


def test_pairs_hold_every_event_near_its_place() -> None:
    ours = RegressionMetrics()
    for value in (1.0, 10.0, 100.0, 1000.0):
        ours.update(value * 1.01, RegressionPrediction(value))
    shown = ours.report()["predicted_actual"]
    assert sum(count for _, _, count in shown["cells"]) == 4
    for x, y, _ in shown["cells"]:
        assert abs(x - y) <= 1
    for value in (1.0, 10.0, 100.0, 1000.0):
        cell = sum(edge <= value for edge in shown["edges"]) - 1
        assert cell in {x for x, _, _ in shown["cells"]}


def test_a_report_is_plain_json_and_bounded() -> None:
    rng, ours = random.Random(1), RegressionMetrics()
    for _ in range(5000):
        label = rng.choice((-1, 1)) * math.exp(rng.uniform(-20, 600))
        ours.update(label, RegressionPrediction(rng.gauss(0, 1) * label))
    assert len(json.dumps(ours.report())) < 400_000
    assert len(pickle.dumps(ours)) < 200_000


def test_reading_changes_nothing(drawn: list[Outcome]) -> None:
    quiet, read = RegressionMetrics(), RegressionMetrics()
    for number, outcome in enumerate(drawn[:1000]):
        quiet.update(*outcome)
        read.update(*outcome)
        if number % 97 == 0:
            read.report()
            read.values()
    assert quiet.values() == read.values()
    one, other = quiet.report(), read.report()
    assert one["residuals"] == other["residuals"]
    assert one["predicted_actual"] == other["predicted_actual"]
    for row, same in zip(one["error_by_prediction"], other["error_by_prediction"], strict=True):
        assert row == pytest.approx(same)


def test_a_copy_goes_on_alike(drawn: list[Outcome]) -> None:
    ours = fed(drawn[: BATCH + 5])
    copy = pickle.loads(pickle.dumps(ours))  # noqa: S301 - ours
    for outcome in drawn[BATCH + 5 : 1000]:
        ours.update(*outcome)
        copy.update(*outcome)
    assert ours.values() == copy.values()
    assert ours.report() == copy.report()


finite = st.floats(-1e12, 1e12)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=50))
def test_any_numbers_can_be_measured(pairs: list[tuple[float, float]]) -> None:
    ours = RegressionMetrics()
    for label, value in pairs:
        ours.update(label, RegressionPrediction(value, value - 1, value + 1), START)
    values = ours.values()
    assert values["MAE"] <= values["RMSE"] * (1 + 1e-9) + 1e-9
    assert 0 <= values["Coverage"] <= 1
    report = ours.report()
    assert sum(row["count"] for row in report["error_by_prediction"]) == len(pairs)
    assert sum(n for _, _, n in report["predicted_actual"]["cells"]) == len(pairs)
    json.dumps(report, allow_nan=False)
