"""What is said of metrics, and how their values and changes read."""

from __future__ import annotations

import pytest

from dashboard.metrics import METRICS, UNKNOWN, axis, changed, describe, explain, shown
from dashboard.texts.metric import Metric
from flows import projects
from flows.learning.learner import Learner
from flows.learning.tasks.multiclass_metrics import MulticlassMetrics
from tests.dashboard_reports import LEARNT, learner


@pytest.fixture(scope="module", params=LEARNT)
def learnt(request: pytest.FixtureRequest) -> Learner:
    return learner(request.param)


def test_every_metric_of_a_project_has_a_text(learnt: Learner) -> None:
    for name in learnt.state.metrics.values():
        assert describe(name).sentence, name


def test_every_metric_of_several_classes_has_a_text() -> None:
    assert set(MulticlassMetrics()._by_decision) < set(METRICS)


def test_metric_of_a_horizon_says_how_far_ahead() -> None:
    assert describe("MASE_h1").label == "MASE, a day ahead"
    assert "made 7 days ahead" in describe("MAE_h7").sentence
    assert describe("MAE_h7").kind == "quantity"


@pytest.mark.parametrize("name", METRICS)
def test_every_text_tells_good_from_bad_and_names_its_source(name: str) -> None:
    metric = METRICS[name]
    assert "good" in metric.scale.lower()
    assert "bad" in metric.scale or "poor" in metric.scale
    assert metric.explanation.splitlines()[-1] == f"Source: {metric.source}"


def test_unknown_metric_is_shown_by_its_name() -> None:
    assert describe("Novelty_h2") == Metric("Novelty_h2", "", "Novelty_h2", "", source=UNKNOWN)


@pytest.mark.parametrize(
    ("slug", "metric", "words"),
    [
        ("eta", "MAE", "Lower is better."),
        ("eta", "R2", "Higher is better."),
        ("eta", "Coverage", "The nearer to 80.0 % the better."),
        ("fraud", "LogLoss", "Lower is better."),
        ("interactions", "RiverSilhouette", "Lower is better."),
        ("interactions", "n_clusters", "Source: the model itself, as it is now"),
    ],
)
def test_explanation_ends_with_which_way_is_better(slug: str, metric: str, words: str) -> None:
    assert explain(metric, projects.get(slug).task.maximize).endswith(words)


@pytest.mark.parametrize(
    ("metric", "value", "unit", "text"),
    [
        ("MAE", 285.4, "s", "4 min 45 s"),
        ("MAE_h3", 16.85, "units", "16.9 units"),
        ("SMAPE", 12.13, "s", "12.1 %"),
        ("Coverage", 0.8158, "s", "81.6 %"),
        ("n_clusters", 6.0, "", "6"),
        ("F1", 0.5, "", "0.500"),
        ("F1", None, "", "—"),
    ],
)
def test_values_read_as_people_say_them(
    metric: str, value: float | None, unit: str, text: str
) -> None:
    assert shown(metric, value, unit) == text


@pytest.mark.parametrize(
    ("metric", "before", "after", "text"),
    [
        ("MAE", 300.0, 240.0, "1 min better"),
        ("MAE", 240.0, 300.0, "1 min worse"),
        ("R2", 0.8, 0.85, "0.050 better"),
        ("R2", 0.8, 0.8, "unchanged"),
        ("Coverage", 0.9, 0.8, "10.0 % better"),
        ("Coverage", 0.8, 0.7, "10.0 % worse"),
        ("n_clusters", 6.0, 5.0, "\u22121"),
        ("n_clusters", 5.0, 5.0, "unchanged"),
    ],
)
def test_changes_are_for_better_or_worse(
    metric: str, before: float, after: float, text: str
) -> None:
    assert changed(metric, before, after, lambda name: name == "R2", "s") == text


def test_seconds_become_minutes_on_an_axis() -> None:
    assert axis("MAE", "s") == ("MAE (min)", 60.0)
    assert axis("MAE", "units") == ("MAE (units)", 1.0)
    assert axis("R2", "s") == ("R²", 1.0)
