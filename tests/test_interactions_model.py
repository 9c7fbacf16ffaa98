"""The project learns the habits planted behind visits, without ever being told them."""

from __future__ import annotations

import json

import msgspec
import pytest

from flows.learning.learner import Learner
from flows.projects import interactions
from scripts import streams
from scripts.agreement import Agreement
from scripts.stability import Stability

COUNT = 12_000
PROJECT = interactions.PROJECT
decode = msgspec.json.Decoder(interactions.Interaction).decode


class Lesson:
    """A learner that has seen a living stream, with what was measured on the way."""

    def __init__(self, seed: int) -> None:
        self.learner = Learner.fresh(PROJECT)
        self.agreement = Agreement(PROJECT)
        self.stability = Stability(PROJECT, period=900.0)
        drawn = streams.drawn("interactions", profile="living", seed=seed, count=COUNT)
        for event, truth in drawn:
            self._take(decode(msgspec.json.encode(event)), truth)

    def _take(self, event: interactions.Interaction, truth: streams.Truth) -> None:
        time = event.timestamp.timestamp()
        self.stability.add(self.learner, event, time)
        prediction, _ = self.learner.observe(event, time)
        self.agreement.add(event, truth, prediction)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return Lesson(seed=110)


def test_clusters_agree_with_the_personas(lesson: Lesson) -> None:
    assert lesson.agreement.values()["AdjustedRand"] >= 0.8


def test_there_are_as_many_clusters_as_personas(lesson: Lesson) -> None:
    assert lesson.learner.state.metrics.values()["n_clusters"] == 6


def test_visits_keep_their_cluster(lesson: Lesson) -> None:
    assert lesson.stability.values()["Stability"] >= 0.9


def test_silhouettes_are_measured(lesson: Lesson) -> None:
    values = lesson.learner.state.metrics.values()
    for name in ("Silhouette", "RollingSilhouette", "TimeRollingSilhouette"):
        assert 0.3 < values[name] < 1
    assert 0 < values["RiverSilhouette"] < 1


def test_the_baseline_is_measured_on_the_same_events(lesson: Lesson) -> None:
    values = lesson.learner.state.challengers["baseline"].metrics.values()
    assert values["n_clusters"] == 4
    assert -1 < values["Silhouette"] < 1


def test_names_say_what_visitors_do(lesson: Lesson) -> None:
    told = lesson.learner.state.report["clusters"]
    names = [one["name"] for one in told]
    assert len(set(names)) == len(names)
    assert any("reviews" in name for name in names)
    assert any("search" in name for name in names)
    assert any("full carts" in name and "purchases" in name for name in names)


def test_the_report_is_plain_json_that_describes_each_cluster(lesson: Lesson) -> None:
    report = lesson.learner.state.report
    assert json.loads(json.dumps(report)) == report
    for one in report["clusters"]:
        assert set(one["numbers"]) == {*interactions.LOGARITHMS, *interactions.SHARES}
        assert set(one["categories"]) == {"device_type", "os", "source"}
    assert sum(one["count"] for one in report["cluster_counts"]) > 0.95 * COUNT


def test_a_prediction_has_its_reasons(lesson: Lesson) -> None:
    state = lesson.learner.state
    event = next(streams.events("interactions", profile="living", seed=111))
    inputs = PROJECT.inputs(decode(msgspec.json.encode(event)), state.past)
    reasons = state.model.explain_one(inputs)
    assert set(reasons) == {*interactions.LOGARITHMS, *interactions.SHARES}
    assert 0 <= sum(reasons.values()) <= 1
