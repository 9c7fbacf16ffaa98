"""The task of forecasting, and what it keeps of issued forecasts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import EventError
from flows.learning.models.forecast_book import ForecastBook
from flows.learning.models.seasonal_naive import SeasonalNaive
from flows.learning.tasks.forecasting import Forecasting
from flows.learning.tasks.forecasting_prediction import Forecast, ForecastingPrediction, Horizons
from flows.stores.columns import columns
from tests.forecasts import MONDAY, features, forecast, prediction

TASK = Forecasting()


def test_prediction_has_columns_for_every_horizon() -> None:
    schema = columns(ForecastingPrediction)
    assert [field.name for field in schema.field("made").type] == [f"h{n}" for n in range(1, 8)]
    assert [field.name for field in schema.field("today").type] == ["value", "lower", "upper"]


def test_prediction_survives_json() -> None:
    one = prediction(MONDAY, 3.0, None, 4.0)
    assert msgspec.json.decode(msgspec.json.encode(one), type=ForecastingPrediction) == one


def test_an_untaught_model_does_not_answer() -> None:
    assert TASK.predict(SeasonalNaive(), features(MONDAY)) is None


def test_prediction_names_its_series_and_day() -> None:
    model = SeasonalNaive()
    TASK.learn(model, features(MONDAY), 7)
    found = TASK.predict(model, features(MONDAY + 1))
    assert found is not None
    assert (found.series, found.day) == ("tea/north", MONDAY + 1)
    assert found.made.h1 is not None and found.made.h2 is None


def test_an_answer_is_the_prediction_with_the_days_ahead() -> None:
    model = SeasonalNaive()
    for day in range(7):
        TASK.learn(model, features(MONDAY + day), day)
    predicted = TASK.predict(model, features(MONDAY + 7))
    answered = TASK.answer(model, features(MONDAY + 7))
    assert predicted is not None and answered is not None
    values = msgspec.to_builtins(answered)
    fan = values.pop("fan")
    assert values == msgspec.to_builtins(predicted)
    assert [one and one["value"] for one in fan.values()] == [1, 2, 3, 4, 5, 6, 0]


def test_an_untaught_model_has_no_answer() -> None:
    assert TASK.answer(SeasonalNaive(), features(MONDAY)) is None


def test_what_was_issued_on_a_day_is_told_by_days_ahead() -> None:
    book: ForecastBook[Forecast] = ForecastBook()
    book.issue(1, fan(100))
    book.issue(2, fan(200))
    assert book.issued(2) == fan(200)
    assert book.issued(1) == fan(100)
    assert book.issued(5) == [None] * 7


@pytest.mark.parametrize(("label", "error"), [(10, 0.0), (15, 2.0), (5, 2.0), (20, 8), (99, 8)])
def test_error_is_the_squared_miss_in_widths_of_the_interval(label: int, error: float) -> None:
    today = msgspec.structs.replace(prediction(MONDAY, 77.0), today=forecast(10.0))
    assert TASK.error(label, today) == pytest.approx(error)


def test_error_of_an_interval_without_width_is_bounded() -> None:
    narrow = msgspec.structs.replace(prediction(MONDAY), today=forecast(3.0, margin=0.0))
    assert TASK.error(5, narrow) == 8.0


@pytest.mark.parametrize("label", [0, 3, 2.5, 1e6])
def test_quantities_are_labels(label: float) -> None:
    assert TASK.check_label(label) == label


def test_whole_quantities_are_integers() -> None:
    assert isinstance(TASK.check_label(3.0), int)


@pytest.mark.parametrize("label", [-1, float("nan"), float("inf"), True, "3", None])
def test_what_is_no_quantity_is_refused(label: Any) -> None:
    with pytest.raises(EventError, match="is no quantity"):
        TASK.check_label(label)


def test_less_error_is_better_and_more_coverage() -> None:
    assert not TASK.maximize("MASE")
    assert TASK.maximize("Coverage_h3")


def fan(value: float) -> list[Forecast]:
    return [forecast(value + ahead) for ahead in range(1, 8)]


def test_made_are_the_forecasts_from_so_many_days_before() -> None:
    book: ForecastBook[Forecast] = ForecastBook()
    for day in range(10):
        book.issue(day, fan(100 * day))
    made = [one and one.value for one in book.made(10)]
    assert made == [100 * (10 - ahead) + ahead for ahead in range(1, 8)]


def test_made_falls_back_to_older_forecasts_over_a_gap() -> None:
    book: ForecastBook[Forecast] = ForecastBook()
    book.issue(1, fan(100))
    book.issue(4, fan(400))
    made = [one and one.value for one in book.made(6)]
    assert made == [402, 402, 105, 105, 105, None, None]


@given(days=st.lists(st.integers(1, 60), min_size=1, max_size=30), ahead=st.integers(1, 7))
def test_no_forecast_is_from_later_than_its_horizon(days: list[int], ahead: int) -> None:
    book: ForecastBook[int] = ForecastBook()
    issued: list[int] = []
    for day in sorted(set(days)):
        book.issue(day, [day] * 7)
        issued.append(day)
        for wanted in range(day, day + 8):
            origin = book.made(wanted)[ahead - 1]
            known = [one for one in issued if wanted - 7 <= one <= wanted - ahead]
            if wanted > day:
                assert origin == (max(known) if known else None)
            else:
                assert origin is None or origin <= wanted - ahead


def test_book_is_bounded() -> None:
    book: ForecastBook[int] = ForecastBook()
    for day in range(1000):
        book.issue(day, [day] * 7)
    assert len(book._days) <= 9


def test_horizons_are_listed_nearest_first() -> None:
    horizons = Horizons(forecast(1), None, forecast(3))
    assert [one and one.value for one in horizons] == [1, None, 3, None, None, None, None]
