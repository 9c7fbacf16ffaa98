from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import base, checks, linear_model, preprocessing
from sklearn.metrics import fbeta_score

from flows.learning.models.f_beta_threshold import FBetaThreshold
from flows.learning.models.weight_of_evidence import WeightOfEvidence


class Oracle(base.Classifier):
    """Says the probability that it finds in the features."""

    def learn_one(self, x: dict[Any, Any], y: Any) -> None:
        """Learn nothing."""

    def predict_proba_one(self, x: dict[Any, Any], **_: Any) -> dict[Any, float]:
        return {0: 1 - x["p"], 1: x["p"]} if "p" in x else {}


def scored(number: int, seed: int = 1, distortion: float = 1.0) -> list[tuple[float, int]]:
    """Scores of a rare class, calibrated if the distortion is 1."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(number):
        probability = rng.betavariate(0.05, 2)
        pairs.append((probability**distortion, int(rng.random() < probability)))
    return pairs


def taught(
    pairs: list[tuple[float, int]], beta: float = 2.0, **parameters: float
) -> FBetaThreshold:
    model = FBetaThreshold(Oracle(), beta=beta, **parameters)  # type: ignore[arg-type]
    for score, label in pairs:
        model.learn_one({"p": score}, label)
    return model


def f_beta(pairs: list[tuple[float, int]], threshold: float, beta: float) -> float:
    scores, labels = np.array(pairs).T
    hits = labels[scores >= threshold].sum()
    total = beta**2 * labels.sum() + (scores >= threshold).sum()
    return float((1 + beta**2) * hits / total)


def best_f_beta(pairs: list[tuple[float, int]], beta: float) -> float:
    return max(f_beta(pairs, threshold / 500, beta) for threshold in range(1, 500))


def test_f_beta_of_these_tests_is_that_of_scikit_learn() -> None:
    pairs = scored(1000)
    labels, decisions = [label for _, label in pairs], [score >= 0.3 for score, _ in pairs]
    assert f_beta(pairs, 0.3, 2.0) == pytest.approx(fbeta_score(labels, decisions, beta=2.0))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("distortion", [0.5, 1.0, 2.0])
def test_threshold_is_near_the_best_one(beta: float, distortion: float) -> None:
    past, future = scored(12_000, 1, distortion), scored(12_000, 2, distortion)
    threshold = taught(past, beta, memory=2000).threshold
    assert f_beta(future, threshold, beta) > best_f_beta(future, beta) - 0.06


def test_probabilities_help_while_positives_are_few() -> None:
    def mean_score(prior_positives: float) -> float:
        future = scored(5000, 99)
        thresholds = [
            taught(scored(120, seed), prior_positives=prior_positives).threshold
            for seed in range(20)
        ]
        return sum(f_beta(future, threshold, 2.0) for threshold in thresholds) / 20

    assert mean_score(100.0) > mean_score(0.0) + 0.05


def test_threshold_follows_a_change() -> None:
    before, after = scored(5000, 1), scored(5000, 2, distortion=3.0)
    model = taught(before + after, memory=50)
    assert f_beta(after, model.threshold, 2.0) > f_beta(after, taught(before).threshold, 2.0) + 0.03


def test_without_examples_the_threshold_is_one_half() -> None:
    assert FBetaThreshold(Oracle()).threshold == 0.5


def test_says_nothing_while_the_classifier_does() -> None:
    model = FBetaThreshold(Oracle())
    assert model.predict_proba_one({}) == {}
    assert model.predict_one({}) is None
    model.learn_one({}, 1)
    assert model.threshold == 0.5


@given(st.floats(0, 1))
def test_decision_is_probability_against_threshold(score: float) -> None:
    model = taught(scored(300))
    probability = model.predict_proba_one({"p": score})[1]
    assert model.predict_one({"p": score}) == int(probability >= model.threshold)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), max_size=50), st.floats(0.2, 4))
def test_threshold_is_a_probability(pairs: list[tuple[float, int]], beta: float) -> None:
    assert 0.0 <= taught(pairs, beta).threshold <= 1.0


def test_a_score_counts_before_its_label_is_learnt() -> None:
    class Memory(Oracle):
        """Is sure of what it has seen."""

        def __init__(self) -> None:
            self.seen: dict[float, float] = {}

        def learn_one(self, x: dict[Any, Any], y: Any) -> None:
            self.seen[x["p"]] = float(y)

        def predict_proba_one(self, x: dict[Any, Any], **_: Any) -> dict[Any, float]:
            return {1: self.seen.get(x["p"], x["p"])}

    model = FBetaThreshold(Memory(), prior_positives=0.0)
    for number in range(20):
        model.learn_one({"p": 0.3 + number / 1000}, 0)
        model.learn_one({"p": 0.6 + number / 1000}, 1)
    assert 0.3 < model.threshold <= 0.6


def test_explains_if_the_classifier_can() -> None:
    model = FBetaThreshold(WeightOfEvidence())
    for number in range(200):
        model.learn_one({"n": number}, number % 2)
    assert set(model.explain_one({"n": 3})) == {"n"}
    assert FBetaThreshold(Oracle()).explain_one({"p": 0.3}) == {}


@pytest.mark.parametrize("between", ["nothing", "another", "drift", "a change"])
def test_learning_after_predicting_is_learning(between: str) -> None:
    """What was said last may be used again only while it would be said again."""

    def state(predicting: bool) -> bytes:
        model = FBetaThreshold(WeightOfEvidence(), beta=2.0)
        rng = random.Random(1)
        for number in range(400):
            x: dict[Any, Any] = {"a": rng.random(), "b": rng.choice("uvw")}
            y = int(rng.random() < 0.2)
            other: dict[Any, Any] = {"a": rng.random(), "b": "u"}
            if predicting:
                model.predict_proba_one(x)
            if between == "another":
                model.learn_one(other, 1)
            elif between == "drift" and number % 100 == 99:
                model.on_drift()
            elif between == "a change":
                x["a"] = rng.random()
            model.learn_one(x, y)
        return pickle.dumps(model)

    assert state(predicting=True) == state(predicting=False)


def test_predicting_changes_nothing() -> None:
    model = taught(scored(500))
    before = pickle.dumps(model)
    model.predict_one({"p": 0.3})
    model.explain_one({"p": 0.3})
    assert pickle.dumps(model) == before


def test_pickle_goes_on_as_the_original_does() -> None:
    original = FBetaThreshold(WeightOfEvidence())
    for score, label in scored(500):
        original.learn_one({"p": score}, label)
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for score, label in scored(500, seed=2):
        original.learn_one({"p": score}, label)
        restored.learn_one({"p": score}, label)
        assert restored.threshold == original.threshold


CLASSIFIERS: dict[str, Any] = {
    "ours": WeightOfEvidence(),
    "river": preprocessing.StandardScaler() | linear_model.LogisticRegression(),
}


def applicable_checks() -> list[Any]:
    return [
        pytest.param(classifier, check, id=f"{name}-{check.__name__}")
        for name, classifier in CLASSIFIERS.items()
        for check in checks.yield_checks(FBetaThreshold(classifier))
        if check.__name__ not in classifier._unit_test_skips()
    ]


@pytest.mark.parametrize(("classifier", "check"), applicable_checks())
def test_passes_the_check_of_river(
    classifier: Any, check: Callable[[FBetaThreshold], None]
) -> None:
    check(FBetaThreshold(classifier.clone()))
