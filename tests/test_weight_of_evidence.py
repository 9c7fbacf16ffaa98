from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from river import checks, datasets, metrics

from flows.learning.models.weight_of_evidence import WeightOfEvidence
from tests.other_processes import said_with_other_hashes

Example = tuple[dict[Any, Any], int]


def examples(number: int, seed: int = 1, positives: float = 0.05) -> Iterator[Example]:
    """Positives have large sizes, or come from the dark side; `noise` means nothing."""
    rng = random.Random(seed)
    for _ in range(number):
        label = int(rng.random() < positives)
        size = rng.uniform(80, 300) if label and rng.random() < 0.7 else rng.uniform(0, 100)
        dark = rng.random() < (0.5 if label else 0.02)
        noise = rng.choice("abcdefgh")
        yield {"size": size, "side": "dark" if dark else "light", "noise": noise}, label


def taught(stream: Iterator[Example], **parameters: int) -> WeightOfEvidence:
    model = WeightOfEvidence(**parameters)
    for x, y in stream:
        model.learn_one(x, y)
    return model


@pytest.fixture(scope="module")
def model() -> WeightOfEvidence:
    return taught(examples(6000))


def applicable_checks() -> list[Callable[[WeightOfEvidence], None]]:
    model = WeightOfEvidence()
    skipped = model._unit_test_skips()
    return [check for check in checks.yield_checks(model) if check.__name__ not in skipped]


@pytest.mark.parametrize("check", applicable_checks(), ids=lambda check: check.__name__)
def test_passes_the_check_of_river(check: Callable[[WeightOfEvidence], None]) -> None:
    check(WeightOfEvidence())


def test_says_nothing_before_it_has_learnt() -> None:
    assert WeightOfEvidence().predict_proba_one({"size": 1.0}) == {}
    assert WeightOfEvidence().predict_one({"size": 1.0}) is None


def test_answers_for_both_classes_once_it_has_learnt() -> None:
    for x, _ in datasets.Phishing().take(3):
        answer = taught(iter([(x, 1)])).predict_proba_one(x)
        assert set(answer) == {False, True}
        assert sum(answer.values()) == pytest.approx(1.0)


def test_learns_numbers_and_categories(model: WeightOfEvidence) -> None:
    def probability(size: float, side: str) -> float:
        return model.predict_proba_one({"size": size, "side": side, "noise": "a"})[1]

    assert probability(20, "light") < 0.02
    assert probability(20, "light") < probability(20, "dark") < probability(200, "dark")
    assert probability(200, "light") > 0.8


def test_ranks_better_than_chance_from_the_start() -> None:
    model, auc = WeightOfEvidence(), metrics.RollingROCAUC(window_size=400, pos_val=1)
    for x, y in examples(400):
        answer = model.predict_proba_one(x)
        if answer:
            auc.update(y, answer[1])
        model.learn_one(x, y)
    assert auc.get() > 0.7


def test_probabilities_are_calibrated(model: WeightOfEvidence) -> None:
    outcomes = [(model.predict_proba_one(x)[1], y) for x, y in examples(6000, seed=2)]
    for low, high in ((0.0, 0.05), (0.05, 0.5), (0.5, 1.0)):
        inside = [(p, y) for p, y in outcomes if low <= p < high]
        expected, observed = (sum(column) for column in zip(*inside, strict=True))
        deviation = math.sqrt(sum(p * (1 - p) for p, _ in inside))
        assert abs(observed - expected) < 4 * deviation + 0.2 * expected


def test_features_that_say_the_same_count_once() -> None:
    once, twice = WeightOfEvidence(), WeightOfEvidence()
    for event, y in examples(3000):
        once.learn_one(event, y)
        twice.learn_one({**event, "copy": event["size"], "second copy": event["size"]}, y)
    x: dict[Any, Any] = {"size": 50.0, "side": "dark", "noise": "a"}
    copied = {**x, "copy": 50.0, "second copy": 50.0}
    assert twice.log_odds_one(copied) == pytest.approx(once.log_odds_one(x), abs=0.7)


def test_explanation_adds_up_to_the_log_odds(model: WeightOfEvidence) -> None:
    x: dict[Any, Any] = {"size": 200.0, "side": "dark", "noise": "b"}
    reasons = model.explain_one(x)
    assert model.base_log_odds + sum(reasons.values()) == pytest.approx(model.log_odds_one(x))
    assert reasons["size"] > 1 and reasons["side"] > 1
    assert abs(reasons["noise"]) < 0.3


@pytest.mark.parametrize(
    "x",
    [
        {},
        {"unknown": 1.0},
        {"size": None, "side": None, "noise": None},
        {"size": math.nan, "side": math.nan},
        {"size": math.inf, "side": -math.inf},
        {"size": 10**400, "side": -(10**400)},
        {"size": "large", "side": 3},
        {"size": np.float64(3), "side": np.int64(3), "noise": np.bool_(True)},
        {"side": "x" * 100_000},
        {"side": ["a", "list"], "noise": {"a": "dict"}},
    ],
)
def test_survives_what_it_did_not_expect(model: WeightOfEvidence, x: dict[Any, Any]) -> None:
    model = pickle.loads(pickle.dumps(model))  # noqa: S301
    for _ in range(300):
        model.learn_one(x, 1)
        model.learn_one(x, 0)
    assert 0 < model.predict_proba_one(x)[1] < 1
    assert all(map(math.isfinite, model.explain_one(x).values()))


def test_predicting_changes_nothing(model: WeightOfEvidence) -> None:
    before = pickle.dumps(model)
    for x, _ in examples(20, seed=3):
        model.predict_proba_one(x)
        model.explain_one(x)
    assert pickle.dumps(model) == before


def test_pickle_goes_on_as_the_original_does() -> None:
    original = taught(examples(1500))
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for x, y in examples(1500, seed=4):
        assert restored.log_odds_one(x) == original.log_odds_one(x)
        original.learn_one(x, y)
        restored.learn_one(x, y)


def test_forgets_what_has_changed() -> None:
    model = taught(examples(3000), memory=50)
    reversed_sides = {"dark": "light", "light": "dark"}
    for x, y in examples(4000, seed=5):
        model.learn_one({**x, "side": reversed_sides[x["side"]]}, y)
    assert model.explain_one({"side": "light"})["side"] > 1


@pytest.mark.parametrize("positives", [0.001, 0.5, 0.98])
def test_state_is_bounded_whichever_class_is_rare(positives: float) -> None:
    model = taught(examples(2000, positives=positives), memory=20)
    size = len(pickle.dumps(model))
    for x, y in examples(2000, seed=6, positives=positives):
        model.learn_one({**x, "noise": f"made up {x['size']}"}, y)
    assert len(pickle.dumps(model)) < size + 40_000


def test_very_much_evidence_is_still_a_probability() -> None:
    model = WeightOfEvidence()
    for x, y in examples(400):
        model.learn_one({f"size {number}": x["size"] + 300 * y for number in range(150)}, y)
    for size in (0, 1000):
        x = {f"size {number}": size for number in range(150)}
        assert 0 < model.predict_proba_one(x)[1] < 1


def test_merely_one_class_is_no_trouble() -> None:
    model = taught((x, 0) for x, _ in examples(1000))
    assert model.predict_proba_one({"size": 1.0})[1] < 0.01


def test_same_events_make_the_same_state_in_another_process() -> None:
    program = (
        "from tests.test_weight_of_evidence import examples, taught\n"
        "import hashlib, pickle\n"
        "print(hashlib.sha256(pickle.dumps(taught(examples(600)))).hexdigest())"
    )
    assert len(said_with_other_hashes(program)) == 1
