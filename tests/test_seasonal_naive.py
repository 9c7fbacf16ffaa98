"""The baseline says what was sold a week before, with intervals that hold."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest
from river import checks

from flows.learning.models.seasonal_naive import SeasonalNaive
from flows.learning.tasks.forecasting import Forecasting
from tests.forecasts import MONDAY, features, shop


@pytest.mark.parametrize(
    "check", list(checks.yield_checks(SeasonalNaive())), ids=lambda check: check.__name__
)
def test_passes_the_check_of_river(check: Callable[[SeasonalNaive], None]) -> None:
    check(SeasonalNaive())


def taught(quantities: list[int]) -> SeasonalNaive:
    model = SeasonalNaive()
    for day, quantity in enumerate(quantities, MONDAY):
        model.learn_one(features(day), quantity)
    return model


def test_every_horizon_is_the_same_weekday_of_the_week_before() -> None:
    model = taught(list(range(14)))
    outlook = model.forecast_one(features(MONDAY + 14))
    assert outlook is not None
    today, made = outlook
    fan = model.fan_one(features(MONDAY + 14))
    assert today.value == 7
    assert [one and one.value for one in made] == [7] * 7
    assert [one.value for one in fan] == [8, 9, 10, 11, 12, 13, 7]


def test_the_newest_fans_are_told_with_their_dates() -> None:
    (fan,) = taught(list(range(14))).describe()["fans"].values()
    assert [one["value"] for one in fan] == [7, 8, 9, 10, 11, 12, 13]
    assert [one["day"][-2:] for one in fan[:2]] == ["20", "21"]


def test_the_newest_day_stands_in_for_a_weekday_never_seen() -> None:
    model = taught([5, 6])
    assert model.predict_one(features(MONDAY + 2)) == 6
    assert model.predict_one(features(MONDAY + 8)) == 6
    assert model.predict_one(features(MONDAY + 7)) == 5


def test_says_nothing_of_a_series_that_it_does_not_know() -> None:
    assert SeasonalNaive().forecast_one(features(MONDAY)) is None
    assert SeasonalNaive().fan_one(features(MONDAY)) == []
    assert SeasonalNaive().predict_one(features(MONDAY)) == 0.0


def test_a_day_in_the_far_future_is_got_over() -> None:
    model = taught([5] * 14)
    model.learn_one(features(3_000_000), 9)
    for day in range(14, 28):
        model.learn_one(features(MONDAY + day), 7)
    outlook = model.forecast_one(features(MONDAY + 28))
    assert outlook is not None
    assert outlook[1].h7 is not None and outlook[1].h7.value == 7


def test_its_own_mase_is_one_and_its_intervals_hold() -> None:
    task, model = Forecasting(), SeasonalNaive()
    metrics = task.metrics()
    for x, y in shop(500):
        prediction = task.predict(model, x)
        if prediction is not None:
            metrics.update(y, prediction)
        task.learn(model, x, y)
    values = metrics.values()
    assert values["MASE"] == pytest.approx(1.0)
    assert 0.77 < values["Coverage"] < 0.83


def test_state_is_bounded() -> None:
    rng, model = random.Random(1), SeasonalNaive(max_series=10)
    for day in range(400):
        model.learn_one(features(MONDAY + day, f"tea/{rng.randint(1, 10)}"), 5)
    size = len(pickle.dumps(model))
    for day in range(400, 800):
        model.learn_one(features(MONDAY + day, f"tea/{rng.randint(1, 100)}"), 5)
    assert len(pickle.dumps(model)) < 1.2 * size


def test_pickle_goes_on_as_the_original_does() -> None:
    original = taught(list(range(30)))
    restored: Any = pickle.loads(pickle.dumps(original))  # noqa: S301
    for model in (original, restored):
        model.learn_one(features(MONDAY + 30), 4)
    x = features(MONDAY + 31)
    assert restored.forecast_one(x) == original.forecast_one(x)
