"""The task of regression: predictions, intervals, labels and errors."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import linear_model

from flows.errors import EventError
from flows.learning.tasks.regression import Regression
from flows.learning.tasks.regression_prediction import RegressionPrediction


class Fixed:
    """A model that always says the same."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def predict_one(self, _: dict[str, Any]) -> Any:
        return self.value


class FixedInterval(Fixed):
    def predict_interval_one(self, _: dict[str, Any]) -> Any:
        return self.value


def test_a_prediction_is_what_the_model_says() -> None:
    assert Regression().predict(Fixed(3), {}) == RegressionPrediction(3.0)


def test_an_interval_comes_with_it_where_the_model_has_one() -> None:
    said = Regression().predict(FixedInterval((3.0, 2.0, 5.0)), {})
    assert said == RegressionPrediction(3.0, 2.0, 5.0)


@pytest.mark.parametrize("model", [Fixed(None), Fixed(nan), Fixed(inf), FixedInterval(None)])
def test_a_model_without_an_answer_predicts_nothing(model: Any) -> None:
    assert Regression().predict(model, {}) is None


def test_a_model_of_river_learns_and_predicts() -> None:
    task, model = Regression(), linear_model.LinearRegression()
    for number in range(200):
        task.learn(model, {"x": number % 2}, 5.0 * (number % 2))
    low, high = (task.predict(model, {"x": x}) for x in (0, 1))
    assert low is not None and high is not None
    assert high.value > low.value + 2


@pytest.mark.parametrize("label", [0, 3, 2.5])
def test_a_number_is_a_label(label: float) -> None:
    checked = Regression(least=0.0).check_label(label)
    assert checked == label and isinstance(checked, float)


@pytest.mark.parametrize("label", [nan, inf, -1.0, "3", None, True, [1]])
def test_anything_else_is_refused_with_what_is_wanted(label: Any) -> None:
    with pytest.raises(EventError, match="at least 0"):
        Regression(least=0.0).check_label(label)


def test_without_a_least_label_any_finite_number_will_do() -> None:
    assert Regression().check_label(-1e9) == -1e9
    with pytest.raises(EventError, match="finite"):
        Regression().check_label(inf)


def test_more_is_better_only_of_what_explains() -> None:
    better = {name for name in ("MAE", "RMSE", "R2", "RMSLE") if Regression().maximize(name)}
    assert better == {"R2"}


@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_a_relative_error_does_not_depend_on_the_size(size: float) -> None:
    task = Regression(relative=True)
    plain = task.error(2 * size, RegressionPrediction(4 * size))
    assert plain == pytest.approx(task.error(2.0 * 60, RegressionPrediction(4.0 * 60)))


def test_a_third_too_little_counts_as_one() -> None:
    error = Regression(relative=True).error(1000.0, RegressionPrediction(716.5))
    assert error == pytest.approx(1.0, abs=0.01)


@given(
    st.floats(-1e9, 1e9),
    st.floats(-1e9, 1e9),
    st.floats(0, 1e9),
    st.booleans(),
)
def test_an_error_is_bounded_and_none_is_zero(
    label: float, value: float, width: float, relative: bool
) -> None:
    task = Regression(relative=relative)
    for prediction in (
        RegressionPrediction(value),
        RegressionPrediction(value, value - width, value + width),
    ):
        assert 0 <= task.error(label, prediction) <= 25
    assert task.error(value, RegressionPrediction(value)) == 0
