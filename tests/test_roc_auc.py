"""ROC AUC from a histogram of scores: near the exact one, and a metric like any of River."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import linear_model
from river import metrics as river_metrics
from sklearn import metrics as oracle

from flows.learning.tasks.roc_auc import ROCAUC
from tests.binary_outcomes import columns, probabilities, rare_events

scored = st.lists(st.tuples(st.booleans(), probabilities), max_size=60)


@given(scored)
def test_roc_auc_is_near_the_exact_one(pairs: list[tuple[bool, float]]) -> None:
    rounded = [(label, round(score, 2)) for label, score in pairs]
    metric = ROCAUC()
    for label, score in rounded:
        metric.update(label, score)
    labels = [label for label, _ in rounded]
    if len(set(labels)) < 2:
        assert isnan(metric.get())
    else:
        exact = oracle.roc_auc_score(labels, [score for _, score in rounded])
        assert metric.get() == pytest.approx(exact, abs=1e-9)


@given(scored, scored)
def test_roc_auc_reverts_what_it_was_told(
    kept: list[tuple[bool, float]], taken_back: list[tuple[bool, float]]
) -> None:
    metric, expected = ROCAUC(), ROCAUC()
    for label, score in kept:
        metric.update(label, score)
        expected.update(label, score)
    for label, score in taken_back:
        metric.update(label, score)
    for label, score in taken_back:
        metric.revert(label, score)
    assert metric.positives == expected.positives
    assert metric.negatives == expected.negatives


@pytest.mark.parametrize("seed", range(3))
def test_roc_auc_beats_a_grid_over_probabilities_when_positives_are_rare(seed: int) -> None:
    outcomes = rare_events(8000, seed)
    ours, grid = ROCAUC(pos_val=1), river_metrics.ROCAUC(n_thresholds=50, pos_val=1)
    for label, prediction in outcomes:
        ours.update(label, prediction.probability)
        grid.update(label, prediction.probability)
    labels, _, scores = columns(outcomes)
    exact = oracle.roc_auc_score(labels, scores)
    assert abs(ours.get() - exact) < 1e-4 < abs(grid.get() - exact)


def test_roc_auc_is_a_river_metric() -> None:
    metric = ROCAUC()
    metric.update(True, {False: 0.2, True: 0.8})
    metric.update(False, {False: 0.9, True: 0.1})
    assert str(metric) == "ROCAUC: 100.00%"
    assert metric.works_with(linear_model.LogisticRegression())
    assert not metric.requires_labels
    assert metric.clone().get() != metric.get()


def test_roc_auc_edges_bound_its_bins() -> None:
    metric = ROCAUC(n_bins=64)
    edges = metric.edges()
    assert len(edges) == 64 and edges == sorted(edges)
    for number, lower in enumerate(edges[1:], start=1):
        metric.update(True, lower * (1 + 1e-9) if lower < 0.5 else 1 - (1 - lower) * (1 - 1e-9))
        assert metric.positives[number] >= 1 or lower >= 1 - 1e-6
