"""After a drift, models weigh what is new far more than what is old."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import pytest
from river import checks

from flows.learning.models.event_sample import EventSample
from flows.learning.models.f_beta_threshold import FBetaThreshold
from flows.learning.models.single_input import SingleInput
from flows.learning.models.weight_of_evidence import WeightOfEvidence


def flip(count: int, rng: random.Random, sign: int) -> list[tuple[dict[Any, Any], int]]:
    """One input in fifty is positive; its number is high or, with sign -1, low."""
    found: list[tuple[dict[Any, Any], int]] = []
    for _ in range(count):
        label = int(rng.random() < 0.02)
        found.append(({"number": rng.gauss(3 * sign * label, 1), "colour": "red"}, label))
    return found


def separation(model: WeightOfEvidence) -> float:
    """How much likelier a low number is positive than a high one, in log-odds."""
    return model.log_odds_one({"number": -3.0}) - model.log_odds_one({"number": 3.0})


@pytest.fixture(scope="module")
def experienced() -> WeightOfEvidence:
    model = WeightOfEvidence()
    for x, y in flip(15_000, random.Random(1), 1):
        model.learn_one(x, y)
    return model


def after(model: WeightOfEvidence, forgets: bool) -> float:
    rng, own = random.Random(2), pickle.loads(pickle.dumps(model))  # noqa: S301 - written here
    for number, (x, y) in enumerate(flip(1_500, rng, -1)):
        if forgets and number == 500:
            own.on_drift()
        own.learn_one(x, y)
    return separation(own)


def test_model_that_forgets_finds_its_way_sooner(experienced: WeightOfEvidence) -> None:
    assert separation(experienced) < -3
    assert after(experienced, forgets=True) > after(experienced, forgets=False) + 2


def test_forgetting_twice_is_forgetting_once(experienced: WeightOfEvidence) -> None:
    once, twice = (pickle.loads(pickle.dumps(experienced)) for _ in range(2))  # noqa: S301
    once.on_drift()
    twice.on_drift()
    twice.on_drift()
    for x, y in flip(300, random.Random(3), -1):
        once.learn_one(x, y)
        twice.learn_one(x, y)
    assert separation(once) == separation(twice)


@pytest.mark.parametrize("kept", [0, 3, 10, 25])
def test_sample_fades_but_for_the_newest(kept: int) -> None:
    sample = EventSample(10)
    for number in range(kept):
        sample.keep({"number": float(number)}, {}, 0.0, 0, 8.0)
    sample.fade(4, 2.0)
    ages = kept - 1 - sample.numbers().get("number", np.zeros(0))
    assert list(sample.importances()) == [8.0 if age < 4 else 4.0 for age in ages]


def test_threshold_follows_the_new_scores_sooner_when_it_forgets() -> None:
    def threshold(forgets: bool) -> float:
        rng = random.Random(4)
        model = FBetaThreshold(SingleInput("x"), beta=2, prior_positives=1)
        for middle, count in [(5_000, 6_000), (200, 1_500)]:
            if forgets and middle == 200:
                model.on_drift()
            for _ in range(count):
                label = int(rng.random() < 0.02)
                amount = rng.gauss(middle, 20) if label else rng.uniform(0, 100)
                x: dict[Any, Any] = {"x": amount}
                model.learn_one(x, label)
        return model.threshold

    rule = SingleInput("x")
    rule.learn_one({}, 0)
    limit = rule.predict_proba_one({"x": 200.0})[1]
    assert threshold(forgets=True) <= limit
    assert threshold(forgets=False) >= threshold(forgets=True)


def test_threshold_passes_a_drift_on_to_its_classifier() -> None:
    model = FBetaThreshold(WeightOfEvidence())
    for x, y in flip(500, random.Random(5), 1):
        model.learn_one(x, y)
    before = model.classifier._unit  # type: ignore[attr-defined]
    model.on_drift()
    assert model.classifier._unit > 10 * before  # type: ignore[attr-defined]
    FBetaThreshold(SingleInput()).on_drift()


def test_single_input_is_a_river_classifier() -> None:
    checks.check_estimator(SingleInput())


@pytest.mark.parametrize(
    ("value", "log_odds"), [(1000, 0.0), (0, -6.9), (-5.0, -6.9), (None, -6.9), (1e300, 62.2)]
)
def test_single_input_rises_with_its_input(value: Any, log_odds: float) -> None:
    model = SingleInput()
    assert model.predict_proba_one({"amount": value}) == {}
    model.learn_one({"amount": value}, 0)
    assert model.explain_one({"amount": value})["amount"] == pytest.approx(log_odds, abs=0.05)
    assert 0 <= model.predict_proba_one({"amount": value})[1] <= 1
