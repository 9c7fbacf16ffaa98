"""K-means, one description at a time, as the baseline of clusterers."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest
from river import checks
from sklearn.metrics import adjusted_rand_score

from flows.learning.models.sequential_k_means import BATCH, FIRST, SequentialKMeans

CENTRES = ((0.0, 0.0), (8.0, 0.0), (0.0, 800.0))


def described(count: int, seed: int = 0) -> list[tuple[dict[str, Any], int]]:
    """Points around three centres whose columns differ in their units."""
    rng = random.Random(seed)
    kinds = [rng.randrange(3) for _ in range(count)]
    return [
        ({"x": rng.gauss(CENTRES[kind][0], 1), "y": rng.gauss(CENTRES[kind][1], 100)}, kind)
        for kind in kinds
    ]


def taught(count: int, **options: Any) -> SequentialKMeans:
    model = SequentialKMeans(**{"n_clusters": 3, **options})
    for x, _ in described(count):
        model.learn_one(x)
    return model


@pytest.mark.parametrize(
    "check", list(checks.yield_checks(SequentialKMeans())), ids=lambda check: check.__name__
)
def test_passes_the_check_of_river(check: Callable[[SequentialKMeans], None]) -> None:
    check(SequentialKMeans())


def test_finds_the_kinds_whatever_the_units() -> None:
    model = taught(2000)
    found = [(kind, model.predict_one(x)) for x, kind in described(500, seed=1)]
    assert adjusted_rand_score(*zip(*found, strict=True)) > 0.95
    assert len(model.centers) == 3


def test_says_nothing_before_the_first_batch() -> None:
    model = taught(FIRST - 1)
    assert model.distances_one({"x": 1.0}) == {}
    assert model.predict_one({"x": 1.0}) == 0
    model.learn_one({"x": 1.0, "y": 1.0})
    assert len(model.distances_one({"x": 1.0})) == model.n_micro_clusters == 3


def test_what_is_missing_is_put_at_the_mean() -> None:
    model = taught(1000)
    means = dict(zip(model._columns, model._scale.mean.tolist(), strict=True))
    assert model.distances_one({}) == model.distances_one(means)


def test_ratios_are_compared() -> None:
    model = SequentialKMeans(n_clusters=2, logarithms={"x"})
    for number in range(FIRST):
        model.learn_one({"x": 10.0 ** (number % 5) - 1})
    assert model.predict_one({"x": 0.0}) == model.predict_one({"x": 4.0})
    assert model.predict_one({"x": 0.0}) != model.predict_one({"x": 9999.0})


def test_what_was_predicted_between_changes_nothing() -> None:
    asked, silent = taught(FIRST), taught(FIRST)
    described_later = [x for x, _ in described(BATCH + 50, seed=5)]
    for x, other in zip(described_later, reversed(described_later), strict=True):
        asked.predict_one(x)
        asked.predict_one(other)
        asked.learn_one(x)
        silent.learn_one(x)
    assert asked.centers == silent.centers


@pytest.mark.parametrize(
    "value", [None, math.nan, math.inf, -math.inf, 10**400, 1e300, "text", [1], True]
)
def test_survives_what_it_did_not_expect(value: Any) -> None:
    model = taught(300)
    for _ in range(BATCH):
        model.learn_one({"x": value, "other": 1})
    distances = model.distances_one({"x": value})
    assert all(map(math.isfinite, distances.values()))


def test_descriptions_without_numbers_are_all_alike() -> None:
    model = SequentialKMeans()
    for _ in range(2 * BATCH):
        model.learn_one({"colour": "red"})
    assert model.distances_one({"colour": "blue"}) == {}


def test_centres_follow_what_moves() -> None:
    model = taught(1000)
    for number, (x, _) in enumerate(described(8000, seed=2)):
        model.learn_one({**x, "x": x["x"] + number / 1000})
    moved = [(kind, model.predict_one({**x, "x": x["x"] + 8})) for x, kind in described(500)]
    assert adjusted_rand_score(*zip(*moved, strict=True)) > 0.95


def test_predicting_changes_nothing() -> None:
    model = taught(350)
    before = pickle.dumps(model)
    for x, _ in described(20, seed=3):
        model.predict_one(x)
    assert pickle.dumps(model) == before


def test_pickle_goes_on_as_the_original_does() -> None:
    original = taught(350)
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for x, _ in described(500, seed=4):
        assert restored.distances_one(x) == original.distances_one(x)
        original.learn_one(x)
        restored.learn_one(x)


def test_state_is_bounded() -> None:
    model = SequentialKMeans()
    for number in range(500):
        model.learn_one({f"x{number % 300 + place}": 1.0 for place in range(300)})
    assert len(pickle.dumps(model)) < 200_000
