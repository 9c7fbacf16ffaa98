from __future__ import annotations

import json
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from flows.learning.tasks.binary import BinaryClassification
from flows.learning.tasks.binary_metrics import CURVE_POINTS, RELIABILITY_EDGES, BinaryMetrics
from tests.binary_outcomes import Outcome, columns, decide, fed, probabilities, rare_events

NAMES = {
    *("Recall", "Precision", "F1", "FBeta", "Accuracy", "BalancedAccuracy", "GeometricMean"),
    *("CohenKappa", "MCC", "Jaccard", "ROCAUC", "RollingROCAUC", "LogLoss", "BrierScore"),
}


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return rare_events(12_000)


def test_every_metric_equals_scikit_learn(outcomes: list[Outcome]) -> None:
    labels, decisions, scores = columns(outcomes)
    specificity = oracle.recall_score(labels, decisions, pos_label=0)
    expected = {
        "Recall": oracle.recall_score(labels, decisions),
        "Precision": oracle.precision_score(labels, decisions),
        "F1": oracle.f1_score(labels, decisions),
        "FBeta": oracle.fbeta_score(labels, decisions, beta=2.0),
        "Accuracy": oracle.accuracy_score(labels, decisions),
        "BalancedAccuracy": oracle.balanced_accuracy_score(labels, decisions),
        "GeometricMean": (specificity * oracle.recall_score(labels, decisions)) ** 0.5,
        "CohenKappa": oracle.cohen_kappa_score(labels, decisions),
        "MCC": oracle.matthews_corrcoef(labels, decisions),
        "Jaccard": oracle.jaccard_score(labels, decisions),
        "RollingROCAUC": oracle.roc_auc_score(labels[-5000:], scores[-5000:]),
        "LogLoss": oracle.log_loss(labels, scores),
        "BrierScore": oracle.brier_score_loss(labels, scores),
    }
    values = fed(outcomes).values()
    roc_auc = values.pop("ROCAUC")
    assert values == pytest.approx(expected, abs=1e-9)
    assert roc_auc == pytest.approx(oracle.roc_auc_score(labels, scores), abs=1e-4)
    assert {*values, "ROCAUC"} == NAMES


def test_beta_is_the_one_given(outcomes: list[Outcome]) -> None:
    labels, decisions, _ = columns(outcomes)
    expected = oracle.fbeta_score(labels, decisions, beta=0.5)
    assert fed(outcomes, beta=0.5).values()["FBeta"] == pytest.approx(expected)


def test_counts_are_those_of_the_events(outcomes: list[Outcome]) -> None:
    labels, decisions, _ = columns(outcomes)
    tn, fp, fn, tp = oracle.confusion_matrix(labels, decisions).ravel()
    report = fed(outcomes).report()
    assert report["confusion_matrix"] == {
        "tn": tn,
        "fp": fp,
        "fn": fn,
        "tp": tp,
        "total": len(outcomes),
    }
    assert report["classification_report"]["0"]["support"] == tn + fp
    assert report["classification_report"]["1"]["support"] == fn + tp


def test_classification_report_equals_scikit_learn(outcomes: list[Outcome]) -> None:
    labels, decisions, _ = columns(outcomes)
    expected = oracle.classification_report(labels, decisions, output_dict=True)
    report = fed(outcomes).report()["classification_report"]
    assert report["accuracy"] == pytest.approx(expected["accuracy"])
    for ours, theirs in {
        "0": "0",
        "1": "1",
        "macro": "macro avg",
        "weighted": "weighted avg",
    }.items():
        renamed = {name.removesuffix("-score"): value for name, value in expected[theirs].items()}
        assert report[ours] == pytest.approx(renamed)


def test_reliability_equals_counting_by_hand(outcomes: list[Outcome]) -> None:
    bins = fed(outcomes).report()["reliability"]
    assert sum(each["count"] for each in bins) == len(outcomes)
    assert bins[0]["lower"] == 0.0 and bins[-1]["upper"] <= 1.0
    for each in bins:
        inside = [
            (label, prediction.probability)
            for label, prediction in outcomes
            if each["lower"] <= prediction.probability < each["upper"]
        ]
        assert each["count"] == len(inside)
        assert each["predicted"] == pytest.approx(sum(p for _, p in inside) / len(inside))
        assert each["observed"] == pytest.approx(sum(label for label, _ in inside) / len(inside))


def test_threshold_curve_equals_scikit_learn_at_its_thresholds(outcomes: list[Outcome]) -> None:
    labels, _, scores = columns(outcomes)
    curve = fed(outcomes).report()["threshold_curve"]
    points = list(
        zip(curve["threshold"], curve["precision"], curve["recall"], curve["fbeta"], strict=True)
    )
    assert 20 <= len(points) <= CURVE_POINTS
    assert curve["threshold"] == sorted(curve["threshold"])
    for threshold, precision, recall, fbeta in points[::7]:
        decisions = [int(score >= threshold) for score in scores]
        assert precision == pytest.approx(oracle.precision_score(labels, decisions))
        assert recall == pytest.approx(oracle.recall_score(labels, decisions))
        assert fbeta == pytest.approx(oracle.fbeta_score(labels, decisions, beta=2.0))


def test_report_shows_the_newest_threshold() -> None:
    metrics = fed([(0, decide(0.1, 0.2)), (1, decide(0.4, 0.3))])
    assert metrics.report()["threshold"] == 0.3


def test_report_and_values_are_plain_json(outcomes: list[Outcome]) -> None:
    metrics = fed(outcomes[:2000])
    for answer in (metrics.values(), metrics.report()):
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_nothing_seen_has_no_values_and_an_empty_report() -> None:
    metrics = BinaryMetrics(2.0)
    assert metrics.values() == {}
    report = metrics.report()
    assert report["confusion_matrix"]["total"] == 0
    assert report["reliability"] == []
    assert report["threshold_curve"]["threshold"] == []


def test_without_a_positive_what_needs_one_is_left_out() -> None:
    values = fed([(0, decide(0.1)), (0, decide(0.3))]).values()
    assert set(values) == {"Precision", "Accuracy", "LogLoss", "BrierScore", "CohenKappa"}


def test_without_an_alarm_precision_is_left_out() -> None:
    values = fed([(0, decide(0.1)), (1, decide(0.1))]).values()
    assert set(values) == NAMES - {"Precision", "MCC"}
    assert values["FBeta"] == 0.0


def test_threshold_curve_without_a_positive_is_empty() -> None:
    assert fed([(0, decide(0.1))]).report()["threshold_curve"]["recall"] == []


def test_pickle_restores_exactly_and_goes_on_equally(outcomes: list[Outcome]) -> None:
    original = fed(outcomes[:7000])
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    assert restored.values() == original.values()
    for label, prediction in outcomes[7000:7200]:
        original.update(label, prediction)
        restored.update(label, prediction)
    assert restored.values() == original.values()
    assert restored.report() == original.report()


def test_reading_in_between_changes_nothing(outcomes: list[Outcome]) -> None:
    read, unread = BinaryMetrics(2.0), BinaryMetrics(2.0)
    for number, (label, prediction) in enumerate(outcomes[:6000]):
        read.update(label, prediction)
        unread.update(label, prediction)
        if number % 997 == 0:
            read.values(), read.report()
    assert read.values() == unread.values()


def test_state_stays_small_however_long_the_stream(outcomes: list[Outcome]) -> None:
    metrics = fed(outcomes + outcomes)
    assert len(pickle.dumps(metrics)) < 250_000


def test_the_task_makes_metrics_with_its_beta() -> None:
    assert BinaryClassification(beta=2.0).metrics().beta == 2.0


predictions = st.builds(decide, probabilities, st.floats(0.01, 0.99))
streams = st.lists(st.tuples(st.integers(0, 1), predictions), min_size=1, max_size=60)


@given(streams)
def test_values_are_finite_and_bounded(stream: list[Outcome]) -> None:
    values = fed(stream).values()
    for name, value in values.items():
        low = -1.0 if name in ("MCC", "CohenKappa") else 0.0
        high = 40.0 if name == "LogLoss" else 1.0
        assert low - 1e-9 <= value <= high + 1e-9, name


@given(streams)
def test_report_counts_every_event_once(stream: list[Outcome]) -> None:
    report = fed(stream).report()
    assert report["confusion_matrix"]["total"] == len(stream)
    assert sum(each["count"] for each in report["reliability"]) == len(stream)
    assert report["classification_report"]["macro"]["support"] == len(stream)


@given(streams, st.randoms(use_true_random=False))
def test_order_does_not_matter_to_what_has_no_window(
    stream: list[Outcome], rng: random.Random
) -> None:
    shuffled = rng.sample(stream, len(stream))
    assert fed(shuffled).values() == pytest.approx(fed(stream).values(), abs=1e-9)


def test_reliability_edges_are_increasing_probabilities() -> None:
    assert list(RELIABILITY_EDGES) == sorted(set(RELIABILITY_EDGES))
    assert RELIABILITY_EDGES[0] > 0 and RELIABILITY_EDGES[-1] < 1
