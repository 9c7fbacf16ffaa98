"""Several classes, against River's own metrics."""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import datasets, metrics, naive_bayes, tree

from flows.errors import EventError
from flows.learning.tasks.multiclass import MulticlassClassification
from flows.learning.tasks.multiclass_metrics import MulticlassMetrics
from flows.learning.tasks.multiclass_prediction import MulticlassPrediction

TASK = MulticlassClassification()
CLASSES = ("oak", "ash", "elm", "fir")
RIVERS = (
    metrics.Accuracy,
    metrics.BalancedAccuracy,
    metrics.MacroF1,
    metrics.WeightedF1,
    metrics.MacroPrecision,
    metrics.MacroRecall,
    metrics.CohenKappa,
)


def said(decision: str, probability: float = 0.7) -> MulticlassPrediction:
    return MulticlassPrediction(decision, probability, "other", 1 - probability)


@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=5))
def test_metrics_equal_rivers(pairs: list[tuple[str, str]]) -> None:
    ours, rivers = MulticlassMetrics(), [kind() for kind in RIVERS]
    for label, decision in pairs:
        ours.update(label, said(decision))
        for one in rivers:
            one.update(label, decision)
    values = ours.values()
    for one in rivers:
        assert values[type(one).__name__] == pytest.approx(one.get(), abs=1e-12)  # type: ignore[no-untyped-call]


def test_log_loss_is_of_what_the_label_was_given() -> None:
    measured = MulticlassMetrics()
    prediction = MulticlassPrediction("oak", 0.5, "ash", 0.25)
    for label in ("oak", "ash", "elm", "fir"):
        measured.update(label, prediction)
    loss = metrics.CrossEntropy()
    for label in ("oak", "ash", "elm", "fir"):
        loss.update(label, {"oak": 0.5, "ash": 0.25, "elm": 0.25, "fir": 0.25})
    assert measured.values()["LogLoss"] == pytest.approx(loss.get())


def test_nothing_is_said_before_the_first_label() -> None:
    measured = MulticlassMetrics()
    assert measured.values() == {}
    assert measured.report() == {"classes": [], "confusion": [], "by_class": {}}
    assert TASK.predict(naive_bayes.GaussianNB(), {"x": 1.0}) is None


def test_the_report_counts_every_pair() -> None:
    measured = MulticlassMetrics()
    for label, decision in [("oak", "oak"), ("oak", "ash"), ("ash", "ash"), ("ash", "ash")]:
        measured.update(label, said(decision))
    report = measured.report()
    assert report["classes"] == ["ash", "oak"]
    assert report["confusion"] == [[2, 0], [1, 1]]
    assert report["by_class"]["oak"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "support": 2,
    }


def test_a_river_classifier_is_predicted_and_learnt() -> None:
    model, measured = tree.HoeffdingTreeClassifier(grace_period=50), TASK.metrics()
    shuffled: list[Any] = list(datasets.ImageSegments())
    random.Random(0).shuffle(shuffled)
    for features, label in islice(shuffled, 1_500):
        prediction = TASK.predict(model, features)
        if prediction is not None:
            measured.update(label, prediction)
        TASK.learn(model, features, TASK.check_label(label))
    assert measured.values()["Accuracy"] > 0.6
    assert len(measured.report()["classes"]) == 7


@given(st.dictionaries(st.sampled_from(CLASSES), st.floats(0, 1), min_size=1))
def test_the_decision_is_the_likeliest_class(probabilities: dict[str, float]) -> None:
    class Oracle:
        def predict_proba_one(self, _: dict[str, Any]) -> dict[str, float]:
            return probabilities

    prediction = TASK.predict(Oracle(), {})
    assert prediction is not None
    assert prediction.probability == max(probabilities.values())
    assert probabilities[prediction.decision] == prediction.probability
    assert (prediction.runner_up is None) == (len(probabilities) == 1)


def test_ties_go_by_name() -> None:
    class Undecided:
        def predict_proba_one(self, _: dict[str, Any]) -> dict[str, float]:
            return {"oak": 0.5, "ash": 0.5}

    prediction = TASK.predict(Undecided(), {})
    assert prediction is not None
    assert (prediction.decision, prediction.runner_up) == ("ash", "oak")


@pytest.mark.parametrize("label", [1, 1.5, "", None, True])
def test_a_label_that_is_no_name_is_refused(label: Any) -> None:
    with pytest.raises(EventError, match="is no class"):
        TASK.check_label(label)
