"""Intervals hold as many labels as they should."""

from __future__ import annotations

import pickle
from statistics import mean

import pytest

from flows.learning.models.quantile_interval import QuantileInterval
from tests.multiplicative_examples import FACTORS, examples, regression, taught


def test_a_copy_goes_on_alike() -> None:
    model = QuantileInterval(regression(), watched=("kind", "size"))
    taught(model, examples(777))
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - ours
    for x, y in examples(300, seed=8):
        assert model.predict_interval_one(x) == copy.predict_interval_one(x)
        model.learn_one(x, y)
        copy.learn_one(x, y)
    assert model.describe() == copy.describe()


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_intervals_hold_as_many_as_they_should(share: float) -> None:
    model, held = QuantileInterval(regression(), share), []
    for x, y in examples(6000):
        found = model.predict_interval_one(x)
        if found is not None:
            held.append(found[1] <= y <= found[2])
        model.learn_one(x, y)
    assert mean(held[1000:]) == pytest.approx(share, abs=0.025)


def test_intervals_hold_although_noise_changes() -> None:
    model, held = QuantileInterval(regression()), []
    for spread in (0.05, 0.3, 0.1):
        for x, y in examples(2000, spread=spread):
            found = model.predict_interval_one(x)
            if found is not None:
                held.append(found[1] <= y <= found[2])
            model.learn_one(x, y)
    assert mean(held) == pytest.approx(0.8, abs=0.04)


def test_an_interval_holds_its_value_and_is_silent_at_first() -> None:
    model = QuantileInterval(regression())
    assert model.predict_interval_one({"size": 3.0}) is None
    for number, (x, y) in enumerate(examples(500)):
        model.learn_one(x, y)
        if number < 10:
            continue
        value, lower, upper = model.predict_interval_one(x) or (0, 1, -1)
        assert lower <= value <= upper
        assert value == model.predict_one(x)


def test_errors_are_told_by_watched_input() -> None:
    model = QuantileInterval(regression(), watched=("kind", "size", "absent"))
    taught(model, examples(1000))
    rows = model.describe()["error_by_input"]
    assert {row["value"] for row in rows["kind"]} == set(FACTORS)
    assert len(rows["size"]) <= 100
    by_kind = {row["value"]: row["mean_absolute_error"] for row in rows["kind"]}
    assert by_kind["slow"] > by_kind["fast"]
    assert [row["value"] for row in rows["absent"]] == [None]
