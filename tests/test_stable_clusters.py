from __future__ import annotations

import json
import math
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from river import checks, compose, preprocessing
from river.checks import common
from sklearn.metrics import adjusted_rand_score

from flows.learning.models.stable_clusters import StableClusters
from tests.other_processes import said_with_other_hashes

X = dict[Any, Any]

KINDS = {
    "calm": (2.0, 10.0, 0.1),
    "eager": (12.0, 10.0, 0.8),
    "thorough": (12.0, 200.0, 0.1),
}


def described(count: int, seed: int = 1, move: float = 0.0) -> Iterator[tuple[X, str]]:
    """Things of three kinds, each described over and over as it grows; and what kind it is."""
    rng = random.Random(seed)
    open_things = [_thing(rng, seed, number) for number in range(10)]
    for number in range(10, count + 10):
        place = rng.randrange(len(open_things))
        name, kind, age = open_things[place]
        open_things[place] = (name, kind, age + 1) if age < 4 else _thing(rng, seed, number)
        size, time, share = KINDS[kind]
        yield (
            {
                "id": name,
                "size": (size + move) * (1 + age) / 5 * rng.lognormvariate(0, 0.2),
                "time": time * rng.lognormvariate(0, 0.3),
                "share": min(1.0, max(0.0, rng.gauss(share, 0.05))),
                "noise": rng.random(),
                "colour": "red" if kind == "calm" else rng.choice(["blue", "green"]),
            },
            kind,
        )


def _thing(rng: random.Random, seed: int, number: int) -> tuple[str, str, int]:
    return f"{seed}/{number}", rng.choice(list(KINDS)), 0


def made(**parameters: Any) -> StableClusters:
    usual: X = {"key": "id", "logarithms": ("size", "time"), "shares": ("share",), "memory": 300}
    return StableClusters(**usual | parameters)


def taught(stream: Iterator[tuple[X, str]], **parameters: Any) -> StableClusters:
    model = made(**parameters)
    for x, _ in stream:
        model.learn_one(x)
    return model


@pytest.fixture(scope="module")
def model() -> StableClusters:
    return taught(described(4000))


def agreement(model: StableClusters, stream: Iterator[tuple[X, str]]) -> float:
    last = {x["id"]: (kind, model.predict_one(x)) for x, kind in stream}
    kinds, said = zip(*last.values(), strict=True)
    return float(adjusted_rand_score(kinds, said))


DATASET_CHECKS = (
    common.check_learn_one,
    common.check_pickling,
    common.check_shuffle_features_no_impact,
    common.check_emerging_features,
    common.check_disappearing_features,
    common.check_radically_disappearing_features,
    common.check_predict_one_pure,
    common.check_predict_one_before_any_learn,
    common.check_no_state_aliasing_with_input,
    common.check_clone_is_independent,
)


@pytest.mark.parametrize(
    "check", list(checks.yield_checks(StableClusters())), ids=lambda check: check.__name__
)
def test_passes_the_check_of_river(check: Callable[[StableClusters], None]) -> None:
    check(StableClusters())


@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
def test_passes_the_check_of_river_on_data(check: Callable[..., None]) -> None:
    check(made(), list(described(500)))


def test_finds_the_kinds_and_how_many_there_are(model: StableClusters) -> None:
    assert model.n_clusters == 3
    assert agreement(model, described(1500, seed=2)) > 0.9


def test_says_nothing_before_it_has_learnt() -> None:
    assert StableClusters().distances_one({"x": 1.0}) == {}
    assert StableClusters().predict_one({"x": 1.0}) == 0
    assert StableClusters().explain_one({"x": 1.0}) == {}
    assert StableClusters().describe() == {"clusters": []}


def test_the_nearest_centre_is_predicted(model: StableClusters) -> None:
    for x, _ in described(100, seed=3):
        distances = model.distances_one(x)
        scaled, centers = model.scaled_one(x), model.centers
        for one, distance in distances.items():
            assert distance == pytest.approx(
                math.dist(list(scaled.values()), list(centers[one].values()))
            )
        assert distances[model.predict_one(x)] == min(distances.values())


def test_a_thing_described_often_counts_once() -> None:
    once, often = made(), made()
    for x, _ in described(2000):
        once.learn_one(x)
        often.learn_one(x)
        often.learn_one(x)
    assert often.n_micro_clusters == once.n_micro_clusters
    assert often.describe()["clusters"][0]["numbers"].keys() == {"size", "time", "share", "noise"}


def test_identities_last_while_centres_move() -> None:
    model = taught(described(3000))
    asked = list({x["id"]: x for x, _ in described(1500, seed=4)}.values())
    before, ids = [model.predict_one(x) for x in asked], set(model.centers)
    for step in range(1, 8):
        for x, _ in described(600, seed=100 + step, move=0.3 * step):
            model.learn_one(x)
    assert set(model.centers) == ids
    same = sum(model.predict_one(x) == one for x, one in zip(asked, before, strict=True))
    assert same >= 0.9 * len(asked)


def test_a_new_kind_gets_a_number_of_its_own() -> None:
    model = taught(described(3000))
    before = set(model.centers)
    for x, _ in described(3000, seed=6):
        if x["id"].endswith(("0", "5")):
            x |= {"size": 300 * (1 + 0.1 * x["noise"]), "time": 1 + x["noise"], "share": 0.5}
        model.learn_one(x)
    said = model.predict_one({"size": 310.0, "time": 1.5, "share": 0.5, "noise": 0.5})
    assert said not in before
    assert before < set(model.centers)


def test_drift_makes_it_forget_the_older_things_once() -> None:
    model = taught(described(3000))
    model.on_drift()
    assert model.n_micro_clusters == 120
    frame = pickle.dumps(model)
    model.on_drift()
    assert pickle.dumps(model) == frame
    for x, _ in described(1500, seed=7, move=20):
        model.learn_one(x)
    assert agreement(model, described(800, seed=8, move=20)) > 0.85


def test_reasons_are_shares_of_the_squared_distance(model: StableClusters) -> None:
    for x, kind in described(200, seed=9):
        first, second, *_ = sorted(model.distances_one(x).values())
        reasons = model.explain_one(x)
        assert sum(reasons.values()) == pytest.approx(1 - (first / second) ** 2)
        assert abs(reasons["noise"]) < 0.4
        if kind == "thorough" and x["size"] > 10:
            assert reasons["time"] > 0.2


def test_description_says_what_clusters_are_like() -> None:
    words = {"size": ("small", "large"), "time": ("quick", "slow"), "share": ("mean", "generous")}
    told = taught(described(4000), words=words).describe()["clusters"]
    assert json.loads(json.dumps(told)) == told
    by_name = {one["name"]: one for one in told}
    assert len(by_name) == 3
    slow = next(one for name, one in by_name.items() if "slow" in name)
    assert 150 < slow["numbers"]["time"]["q50"] < 250
    small = next(one for name, one in by_name.items() if "small" in name)
    assert small["categories"]["colour"] == {"red": 1.0}
    assert sum(one["share"] for one in told) == pytest.approx(1)
    assert len({(one["map"]["x"], one["map"]["y"]) for one in told}) == 3


def test_works_at_the_end_of_a_pipeline() -> None:
    scaler = preprocessing.StandardScaler()
    model = compose.Select("size", "time", "share") | scaler | StableClusters()
    for x, _ in described(3000):
        model.learn_one(x)
    last = {x["id"]: (kind, model.predict_one(x)) for x, kind in described(800, seed=2)}
    assert adjusted_rand_score(*zip(*last.values(), strict=True)) > 0.5


@pytest.mark.parametrize(
    "x",
    [
        {},
        {"unknown": 1.0},
        {"size": None, "time": None},
        {"size": math.nan, "time": math.inf, "share": -math.inf},
        {"size": 10**400, "share": -(10**400)},
        {"size": "large", "colour": 3},
        {"colour": "x" * 100_000},
        {"size": ["a", "list"]},
    ],
)
def test_survives_what_it_did_not_expect(model: StableClusters, x: X) -> None:
    model = pickle.loads(pickle.dumps(model))  # noqa: S301
    for number in range(200):
        model.learn_one({**x, "id": number})
    assert all(map(math.isfinite, model.distances_one(x).values()))
    assert all(map(math.isfinite, model.explain_one(x).values()))
    json.dumps(model.describe())


def test_things_that_are_all_alike_are_survived() -> None:
    model = taught(({"id": number, "x": 1.0}, "") for number in range(200))
    assert model.predict_one({"x": 1.0}) in {0, *model.centers}


def test_predicting_changes_nothing(model: StableClusters) -> None:
    before = pickle.dumps(model)
    for x, _ in described(20, seed=3):
        model.predict_one(x)
        model.explain_one(x)
        model.describe()
    assert pickle.dumps(model) == before


def test_pickle_goes_on_as_the_original_does() -> None:
    original = taught(described(1500))
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for x, _ in described(1500, seed=4):
        assert restored.distances_one(x) == original.distances_one(x)
        original.learn_one(x)
        restored.learn_one(x)


def test_state_is_bounded() -> None:
    model = taught(described(6000))
    size = len(pickle.dumps(model))
    for x, _ in described(6000, seed=11):
        model.learn_one(x)
    assert len(pickle.dumps(model)) < 1.15 * size


HASHES = """
from tests.other_processes import said_with_other_hashes
from tests.test_stable_clusters import described, taught
print(taught(described(1200)).centers)
"""


def test_does_not_depend_on_the_hash_seed() -> None:
    assert len(said_with_other_hashes(HASHES)) == 1
