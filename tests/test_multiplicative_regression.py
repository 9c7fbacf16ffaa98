"""The multiplicative regression learns factors, is robust, and tells its reasons."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable
from statistics import mean
from typing import Any

import pytest
from river import base, checks

from flows.learning.models.effects import Category, Effect
from flows.learning.models.multiplicative_regression import MultiplicativeRegression
from flows.learning.models.quantile_interval import QuantileInterval
from tests.multiplicative_examples import EFFECTS, FACTORS, errors, examples, regression, taught


@pytest.fixture(scope="module")
def model() -> MultiplicativeRegression:
    found: MultiplicativeRegression = taught(regression(), examples(4000))
    return found


def river_checks(model: base.Regressor) -> list[Callable[[Any], None]]:
    skipped = model._unit_test_skips()
    return [check for check in checks.yield_checks(model) if check.__name__ not in skipped]


WITH_CHECKS = [
    (each, check)
    for each in (
        MultiplicativeRegression(effects=EFFECTS),
        QuantileInterval(MultiplicativeRegression(effects=EFFECTS)),
    )
    for check in river_checks(each)
]


@pytest.mark.parametrize(("each", "check"), WITH_CHECKS)
def test_passes_the_check_of_river(each: Any, check: Callable[[Any], None]) -> None:
    check(each.clone())


def test_finds_the_factors(model: MultiplicativeRegression) -> None:
    for size in (5.0, 20.0, 80.0):
        for kind, factor in FACTORS.items():
            said = model.predict_one({"size": size, "kind": kind, "noise": "a", "worker": "new"})
            assert said == pytest.approx(50 * size * factor, rel=0.06)


def test_what_means_nothing_says_nothing(model: MultiplicativeRegression) -> None:
    said = [model.predict_one({"size": 20.0, "kind": "slow", "noise": one}) for one in "abcdef"]
    assert max(said) / min(said) < 1.02


def test_knows_the_workers(model: MultiplicativeRegression) -> None:
    truth = random.Random(7).gauss(0, 0.1)
    x: dict[Any, Any] = {"size": 20.0, "kind": "plain", "noise": "a"}
    ratio = model.predict_one({**x, "worker": "w0"}) / model.predict_one({**x, "worker": "new"})
    assert math.log(ratio) == pytest.approx(truth, abs=0.06)


def test_is_good_soon_and_then_as_good_as_can_be() -> None:
    found = errors(regression(), examples(4000))
    assert mean(found[100:400]) < 0.14
    assert mean(found[2000:]) < 1.1 * 0.08


def test_a_few_wild_labels_do_not_matter() -> None:
    wild = [
        (x, y * (20 if number % 40 == 0 else 1)) for number, (x, y) in enumerate(examples(3000))
    ]
    model = taught(regression(), iter(wild))
    assert mean(errors(model, examples(500, seed=2))) < 0.1


def test_reasons_add_up_to_the_prediction(model: MultiplicativeRegression) -> None:
    for x, _ in examples(50, seed=3):
        reasons = model.explain_one(x)
        assert set(reasons) == {"size", "kind", "noise", "worker"}
        assert model.base_value + sum(reasons.values()) == pytest.approx(model.predict_one(x))


def test_reasons_point_the_right_way(model: MultiplicativeRegression) -> None:
    x: dict[Any, Any] = {"size": 90.0, "kind": "fast", "noise": "a", "worker": "w1"}
    reasons = model.explain_one(x)
    assert reasons["size"] > 0 > reasons["kind"]
    assert abs(reasons["noise"]) < 0.1 * abs(reasons["kind"])


def test_predicting_and_explaining_change_nothing(model: MultiplicativeRegression) -> None:
    before = pickle.dumps(model)
    for x, _ in examples(20, seed=4):
        model.predict_one(x)
        model.explain_one(x)
    model.predict_one({"size": 3.0, "kind": "unheard of", "worker": "nobody"})
    model.describe()
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    "x", [{}, {"size": None}, {"size": 0.0, "kind": None}, {"size": math.nan, "kind": 7}]
)
def test_missing_and_strange_inputs_are_no_trouble(x: dict[str, Any]) -> None:
    model = taught(regression(), examples(200))
    model.learn_one(x, 100.0)
    assert math.isfinite(model.predict_one(x))


def test_coefficients_are_bounded() -> None:
    model = regression(most_cells=40)
    for number, (x, y) in enumerate(examples(3000)):
        model.learn_one({**x, "noise": f"n{number // 3}", "worker": f"w{number}"}, y)
    assert len(model.describe()["factors"]["noise"]) <= 40
    assert len(pickle.dumps(model)) < 400_000
    known = model.describe()["factors"]["kind"]
    assert {row["cell"] for row in known} == set(FACTORS)
    assert mean(errors(model, examples(300, seed=5))) < 0.16


def test_forgetting_cells_keeps_what_the_others_say() -> None:
    model = taught(regression(), examples(1000))
    for number in range(8):
        model.learn_one({"size": 10.0, "kind": f"rare {number}"}, 500.0)
    x = {"size": 20.0, "kind": "slow", "noise": "a", "worker": "w1"}
    model._squares.take([([0], [1.0], 0.0, 1e-12)])
    before = model.predict_one(x)
    model._forget_the_rarest()
    assert model.predict_one(x) == pytest.approx(before)
    columns = [column for table in model._columns.tables.values() for column in table.values()]
    assert sorted(columns) == list(range(1, len(model._squares.coefficients)))


def test_follows_a_change_when_told_of_it() -> None:
    told, untold = (taught(regression(), examples(6000)) for _ in range(2))
    told.on_drift()
    changed = {"seed": 6, "slow": 0.8}
    fast = mean(errors(told, examples(1500, **changed))[500:])  # type: ignore[arg-type]
    slow = mean(errors(untold, examples(1500, **changed))[500:])  # type: ignore[arg-type]
    assert fast < 0.1
    assert fast < 0.8 * slow


def test_after_a_change_what_did_not_change_is_still_known() -> None:
    model = taught(regression(), examples(6000))
    model.on_drift()
    for x, y in examples(60, seed=8):
        model.learn_one(x, 1.5 * y)
    for kind, factor in FACTORS.items():
        said = model.predict_one({"size": 20.0, "kind": kind, "noise": "a", "worker": "new"})
        assert said == pytest.approx(1.5 * 50 * 20 * factor, rel=0.1)


def test_being_told_of_a_change_that_was_none_does_no_harm() -> None:
    told, untold = (taught(regression(), examples(6000)) for _ in range(2))
    told.on_drift()
    usual = mean(errors(untold, examples(1000, seed=9)))
    assert mean(errors(told, examples(1000, seed=9))) < 1.05 * usual


def test_what_everything_is_off_by_is_added_at_once() -> None:
    model = taught(regression(), examples(4000))
    slower = [(x, 1.4 * y) for x, y in examples(260, seed=10)]
    assert mean(errors(model, iter(slower))[60:]) < 0.13


def test_a_clone_knows_nothing(model: MultiplicativeRegression) -> None:
    assert model.clone().predict_one({"size": 3.0}) == 0.0


def test_what_leads_multiplies_what_follows() -> None:
    effects: tuple[Effect, ...] = (
        Category(name="rush", table="rush", leads=True, spread=0.5),
        Category(name="place", table="place"),
        Category(name="place", table="busy", follows=True, spread=0.5),
    )
    model, rng = MultiplicativeRegression(effects=effects), random.Random(2)
    for _ in range(4000):
        rush, place = rng.choice(("yes", "no")), rng.choice(("centre", "suburb"))
        slower = (2.0 if place == "centre" else 1.1) if rush == "yes" else 1.0
        model.learn_one({"rush": rush, "place": place}, 100 * slower * rng.lognormvariate(0, 0.1))
    assert model.predict_one({"rush": "yes", "place": "centre"}) == pytest.approx(200, rel=0.06)
    assert model.predict_one({"rush": "yes", "place": "suburb"}) == pytest.approx(110, rel=0.06)
    assert model.predict_one({"rush": "no", "place": "centre"}) == pytest.approx(100, rel=0.06)
