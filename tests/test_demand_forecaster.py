"""The forecaster of demand learns what moves it, and never knows what it must not."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import checks

from flows.learning.models.demand_forecaster import DemandForecaster
from tests.forecasts import MONDAY, WEEK, Day, features, shop
from tests.other_processes import said_with_other_hashes

WEEKS = 30


def taught(days: Iterable[Day], **parameters: Any) -> DemandForecaster:
    model = DemandForecaster(**parameters)
    for x, y in days:
        model.learn_one(x, y)
    return model


@pytest.fixture(scope="module")
def model() -> DemandForecaster:
    return taught(shop(7 * WEEKS - 1))


def tomorrow(**others: Any) -> dict[Any, Any]:
    return features(MONDAY + 7 * WEEKS, price=10.0, promotion=False, holiday=False) | others


@pytest.mark.parametrize(
    "check", list(checks.yield_checks(DemandForecaster())), ids=lambda check: check.__name__
)
def test_passes_the_check_of_river(check: Callable[[DemandForecaster], None]) -> None:
    check(DemandForecaster())


def test_says_nothing_before_it_has_learnt() -> None:
    model = DemandForecaster()
    assert model.forecast_one(tomorrow()) is None
    assert model.predict_one(tomorrow()) == 0.0
    assert model.explain_one(tomorrow()) == {}


def test_of_an_unknown_series_it_says_what_others_let_expect(model: DemandForecaster) -> None:
    outlook, known = (
        model.forecast_one(tomorrow(day=MONDAY + 7 * WEEKS + 5, series=name))
        for name in ("tea/new", "tea/north")
    )
    assert outlook is not None and known is not None
    assert outlook[1].h1 is None
    assert 10 < outlook[0].value < 300
    assert outlook[0].upper - outlook[0].lower > 2 * (known[0].upper - known[0].lower)


def test_forecasts_the_week(model: DemandForecaster) -> None:
    fan = model.fan_one(tomorrow(day=MONDAY + 7 * WEEKS - 1))
    assert len(fan) == 7
    for ahead, one in enumerate(fan):
        assert one.value == pytest.approx(60 * WEEK[ahead], rel=0.15)
        assert one.lower < one.value < one.upper


def test_learns_what_promotion_does(model: DemandForecaster) -> None:
    promoted = model.predict_one(tomorrow(promotion=True, price=8.0, campaign="new"))
    assert promoted / model.predict_one(tomorrow()) == pytest.approx(2.0, rel=0.15)


def test_knows_of_holidays_ahead_by_the_calendar() -> None:
    holiday = MONDAY + 7 * WEEKS + 2

    def calendar(day: int) -> bool:
        return day in (MONDAY + 50, MONDAY + 51, MONDAY + 120, holiday)

    def days() -> Iterable[Day]:
        for x, y in shop(7 * WEEKS):
            festive = calendar(x["day"])
            yield x | {"holiday": festive}, y * (2 if festive else 1)

    fan = taught(days(), calendar=calendar).fan_one(tomorrow())
    assert fan[1].value == pytest.approx(60 * WEEK[2] * 2, rel=0.25)
    assert fan[0].value == pytest.approx(60 * WEEK[1], rel=0.2)


def test_forecasts_for_a_day_know_nothing_of_the_days_between(model: DemandForecaster) -> None:
    """What had been forecast for a day from 3 days before is not moved by the last two."""
    calm, wild = (pickle.loads(pickle.dumps(model)) for _ in range(2))  # noqa: S301
    for day in range(4):
        x = tomorrow(day=MONDAY + 7 * WEEKS + day)
        calm.learn_one(x, 60)
        wild.learn_one(x, 60 if day < 2 else 6_000)
    x = tomorrow(day=MONDAY + 7 * WEEKS + 4)
    made_calm, made_wild = calm.forecast_one(x)[1], wild.forecast_one(x)[1]
    assert made_calm.h1 != made_wild.h1 and made_calm.h2 != made_wild.h2
    for horizon in range(3, 8):
        name = f"h{horizon}"
        assert getattr(made_calm, name) == getattr(made_wild, name) is not None


def test_what_is_true_of_the_day_itself_does_not_change_what_had_been_made(
    model: DemandForecaster,
) -> None:
    plain = model.forecast_one(tomorrow())
    promoted = model.forecast_one(tomorrow(promotion=True, price=5.0, holiday=True))
    assert plain is not None and promoted is not None
    assert plain[1] == promoted[1]
    assert plain[0].value < promoted[0].value


def test_products_learn_from_each_other(model: DemandForecaster) -> None:
    model = pickle.loads(pickle.dumps(model))  # noqa: S301
    new = {"series": "tea/west", "product": "tea", "store": "west", "price": 10.0}
    start = MONDAY + 7 * WEEKS
    model.learn_one({**new, "day": start}, 20)
    saturday, monday = (model.predict_one({**new, "day": start + ahead}) for ahead in (5, 7))
    assert saturday / monday == pytest.approx(1.5, rel=0.15)


def test_explanation_adds_up_to_what_is_expected(model: DemandForecaster) -> None:
    x = tomorrow(day=MONDAY + 7 * WEEKS + 5, promotion=True, price=8.0, campaign="new")
    reasons = model.explain_one(x)
    assert set(reasons) == {"level", "trend", "weekday", "holiday", "promotion", "price"}
    assert sum(reasons.values()) == pytest.approx(model.predict_one(x), rel=0.05)
    assert reasons["promotion"] > reasons["weekday"] > 5
    assert reasons["holiday"] == 0.0


def test_description_tells_the_factors_of_demand(model: DemandForecaster) -> None:
    found = model.describe()
    assert found["series_known"] == 3
    assert set(found["products"]) == {"tea", "salt"}
    assert found["weekday_factors"][5] > found["weekday_factors"][1]
    assert found["products"]["tea"]["promotion_factor"] > 1.2


def test_predicting_changes_nothing(model: DemandForecaster) -> None:
    before = pickle.dumps(model)
    model.forecast_one(tomorrow())
    model.forecast_one(tomorrow(day=MONDAY + 500, promotion=True))
    model.explain_one(tomorrow())
    model.describe()
    assert pickle.dumps(model) == before


def test_pickle_goes_on_as_the_original_does() -> None:
    original = taught(shop(40))
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for x, y in shop(20, seed=2, start=MONDAY + 40):
        assert restored.forecast_one(x) == original.forecast_one(x)
        original.learn_one(x, y)
        restored.learn_one(x, y)
    assert pickle.dumps(restored) == pickle.dumps(pickle.loads(pickle.dumps(original)))  # noqa: S301


def level_shift(model: DemandForecaster, days: int) -> float:
    """Teach days of three times as much; return what is expected in the end."""
    model = pickle.loads(pickle.dumps(model))  # noqa: S301
    for x, y in shop(days, seed=3, level=180.0, start=MONDAY + 7 * WEEKS):
        model.learn_one(x, y)
    return model.predict_one(tomorrow(day=MONDAY + 7 * WEEKS + days))


def test_finds_another_level_within_three_weeks(model: DemandForecaster) -> None:
    assert level_shift(model, 21) == pytest.approx(180, rel=0.2)


def test_drift_makes_it_learn_faster(model: DemandForecaster) -> None:
    told = pickle.loads(pickle.dumps(model))  # noqa: S301
    told.on_drift()
    assert abs(level_shift(told, 2) - 180) < abs(level_shift(model, 2) - 180)


def test_drift_told_twice_is_told_once(model: DemandForecaster) -> None:
    once, twice = (pickle.loads(pickle.dumps(model)) for _ in range(2))  # noqa: S301
    once.on_drift()
    twice.on_drift()
    twice.on_drift()
    assert pickle.dumps(once) == pickle.dumps(twice)


def test_late_days_are_learnt_but_count_less(model: DemandForecaster) -> None:
    on_time, late = (pickle.loads(pickle.dumps(model)) for _ in range(2))  # noqa: S301
    on_time.learn_one(tomorrow(), 300)
    late.learn_one(tomorrow(day=MONDAY + 7 * WEEKS - 7), 300)
    later = tomorrow(day=MONDAY + 7 * WEEKS + 7)
    before, after, much = (one.predict_one(later) for one in (model, late, on_time))
    assert before < after < much


def test_a_day_in_the_far_future_is_got_over(model: DemandForecaster) -> None:
    model = pickle.loads(pickle.dumps(model))  # noqa: S301
    for series in ("tea/north", "salt/north"):
        model.learn_one(tomorrow(series=series, day=3_000_000), 60)
    for x, y in shop(60, seed=4, level=180.0, start=MONDAY + 7 * WEEKS):
        model.learn_one(x, y)
    after = tomorrow(day=MONDAY + 7 * WEEKS + 60)
    outlook = model.forecast_one(after)
    assert outlook is not None and outlook[1].h7 is not None
    assert outlook[0].value == pytest.approx(180 * WEEK[4], rel=0.2)


def test_several_events_of_a_day_are_as_many_observations() -> None:
    model = DemandForecaster()
    for day in range(MONDAY, MONDAY + 60):
        for _ in range(3):
            model.learn_one(features(day), 50)
    assert model.predict_one(features(MONDAY + 60)) == pytest.approx(50, rel=0.1)


def test_series_are_bounded() -> None:
    model = DemandForecaster(max_series=20)
    for number in range(100):
        model.learn_one(features(MONDAY, f"p{number}/s{number}"), 5)
    size = len(pickle.dumps(model))
    for number in range(100, 400):
        model.learn_one(features(MONDAY, f"p{number}/s{number}"), 5)
    assert model.describe()["series_known"] == 20
    assert len(pickle.dumps(model)) < 1.1 * size
    assert "p0/s0" not in model._series


@pytest.mark.parametrize(
    "x",
    [
        {},
        {"series": "a", "day": None, "price": None, "promotion": None, "campaign": None},
        {"series": "a", "day": MONDAY, "price": 0.0, "promotion": True},
        {"series": "a", "day": MONDAY, "price": math.inf},
        {"series": "a", "day": MONDAY, "price": math.nan},
        {"series": "a", "day": 1, "price": "cheap"},
        {"series": "a", "day": 3_652_059, "price": 1e9},
    ],
)
def test_survives_what_it_did_not_expect(x: dict[Any, Any]) -> None:
    model = DemandForecaster(calendar=lambda day: day % 2 == 0)
    for quantity in (0, 1e12, 5, 0, 0, 1e6, -3):
        model.learn_one(x, quantity)
        model.learn_one({**x, "series": "b"}, 5)
    outlook = model.forecast_one(x)
    assert outlook is not None
    for one in (outlook[0], *model.fan_one(x)):
        assert 0 <= one.lower <= one.value <= one.upper < math.inf


@settings(max_examples=20, deadline=None)
@given(
    days=st.lists(
        st.tuples(st.integers(0, 40), st.floats(0, 1e6), st.booleans(), st.floats(0.01, 1e4)),
        max_size=40,
    )
)
def test_forecasts_are_in_order_whatever_comes(days: list[tuple[int, float, bool, float]]) -> None:
    model = DemandForecaster()
    for day, quantity, promoted, price in days:
        x = features(MONDAY + day, promotion=promoted, price=price, campaign=str(day // 5))
        outlook = model.forecast_one(x)
        if outlook is not None:
            for one in (outlook[0], *outlook[1], *model.fan_one(x)):
                assert one is None or 0 <= one.lower <= one.value <= one.upper < math.inf
        model.learn_one(x, quantity)


def test_same_events_make_the_same_state_in_another_process() -> None:
    program = (
        "from tests.test_demand_forecaster import shop, taught\n"
        "import hashlib, pickle\n"
        "print(hashlib.sha256(pickle.dumps(taught(shop(30)))).hexdigest())"
    )
    assert len(said_with_other_hashes(program)) == 1
