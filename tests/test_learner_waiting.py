"""What waits for a label or for its event, how long, and what becomes of it."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import base, dummy

from flows.errors import EventError
from flows.learning import codec
from flows.learning.learner import REMEMBERED_IDS, Learner, Outcome
from flows.projects import fraud
from tests.examples import (
    START,
    VISITS,
    Visit,
    feed,
    fraud_events,
    visit,
    visit_features,
    visits,
    waiting_at_most,
    without_label,
)
from tests.learner_streams import HOUR, KEY, Step, all_of, essence, play


def test_a_repeated_event_is_not_predicted_again() -> None:
    learner = Learner.fresh(VISITS)
    feed(learner, [visit(0, bought=1), visit(1)])
    for repeated in (visit(0, bought=1), visit(0, bought=0), visit(1)):
        prediction, outcomes = learner.observe(repeated, START + 9)
        assert prediction is None
        assert [one.status for one in outcomes] == ["duplicate"]
    assert learner.state.counts["learned"] == 1


def test_a_correction_of_a_learnt_label_is_a_duplicate_with_that_label() -> None:
    learner = Learner.fresh(VISITS)
    learner.observe(visit("a"), START)
    learner.answer("a", 1, START + 1)
    before = essence(learner.state)
    (outcome,) = learner.answer("a", 0, START + 2)
    assert (outcome.status, outcome.label) == ("duplicate", 0)
    assert essence(learner.state) == before


def test_an_outcome_tells_what_was_predicted_when_and_how_wrong_it_was() -> None:
    learner = Learner.fresh(VISITS)
    feed(learner, [visit(i, pages=i % 2, bought=i % 2) for i in range(20)])
    prediction: Any = learner.observe(visit("late", pages=1.0), START + 30)[0]
    feed(learner, [visit(i, pages=i % 2, bought=i % 2) for i in range(30, 40)], first=31)
    (outcome,) = learner.answer("late", 0, START + 100)
    assert outcome == Outcome(
        event_id="late",
        status="matched",
        label=0,
        prediction=prediction,
        error=prediction.probability,
        delay_seconds=70.0,
        events_learned=20,
    )


def test_an_untrained_model_predicts_nothing_and_nothing_is_scored() -> None:
    learner = Learner.fresh(VISITS)
    prediction, (outcome,) = learner.observe(visit(0, bought=1), START)
    assert prediction is None
    assert (outcome.status, outcome.error) == ("matched", None)
    assert learner.state.metrics.values() == {}
    assert learner.state.counts["learned"] == 1


def test_an_early_label_is_learnt_when_its_event_comes() -> None:
    learner = Learner.fresh(VISITS)
    assert learner.answer("a", 1, START) == []
    assert learner.state.counts["learned"] == 0
    _, (outcome,) = learner.observe(visit("a"), START + 5)
    assert (outcome.status, outcome.label, outcome.delay_seconds) == ("matched", 1, 0.0)


def test_a_label_of_the_task_only() -> None:
    learner = Learner.fresh(VISITS)
    learner.observe(visit("a"), START)
    with pytest.raises(EventError, match=r"2\.5.*0 or 1"):
        learner.answer("a", 2.5, START)
    assert learner.state.counts["labels"] == 0
    assert list(learner.state.waiting) == ["a"]


def test_a_label_without_event_is_an_orphan_after_the_horizon() -> None:
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(hours=1)))
    learner.answer("a", 1, START)
    assert learner.observe(visit("b"), START + HOUR)[1] == []
    _, (outcome,) = learner.observe(visit("c"), START + HOUR + 1)
    assert (outcome.event_id, outcome.status, outcome.label) == ("a", "orphan", 1)
    assert not learner.state.early


def test_a_prediction_without_label_expires_after_the_horizon() -> None:
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(hours=1)))
    feed(learner, [visit(0, bought=0)])
    prediction, _ = learner.observe(visit("a"), START + 10)
    assert learner.observe(visit("b"), START + 10 + HOUR)[1] == []
    _, (outcome,) = learner.observe(visit("c"), START + 11 + HOUR)
    assert outcome == Outcome(
        "a", "expired", None, prediction, delay_seconds=HOUR + 1, events_learned=1
    )
    assert list(learner.state.waiting) == ["b", "c"]


def test_a_label_after_its_event_expired_is_a_duplicate() -> None:
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(hours=1)))
    learner.observe(visit("a"), START)
    learner.observe(visit("b"), START + 2 * HOUR)
    (outcome,) = learner.answer("a", 1, START + 2 * HOUR)
    assert outcome.status == "duplicate"
    assert learner.state.counts["learned"] == 0


def test_a_message_from_the_past_does_not_turn_the_clock_back() -> None:
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(hours=1)))
    learner.observe(visit("a"), START + 2 * HOUR)
    learner.observe(visit("b"), START)
    assert learner.state.clock == START + 2 * HOUR
    assert learner.state.counts["expired"] == 0


def test_labels_move_the_clock_too() -> None:
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(hours=1)))
    learner.observe(visit("a"), START)
    (outcome,) = learner.answer("unknown", 1, START + 2 * HOUR)
    assert (outcome.event_id, outcome.status) == ("a", "expired")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=120), st.integers(1, 10))
def test_no_more_than_the_cap_waits(steps: list[Step], cap: int) -> None:
    """Events and labels come and go; every one of them has exactly one outcome or still waits."""
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(days=1), max_pending=cap))
    labelled = visits(61)
    outcomes: list[Outcome] = []
    for step in steps:
        outcomes += play(learner, labelled, [step])
        assert len(learner.state.waiting) <= cap
        assert len(learner.state.early) <= cap
    counts = learner.state.counts
    still = len(learner.state.waiting) + len(learner.state.early)
    each = counts["expired"] + counts["orphan"] + counts["duplicate"] + 2 * counts["matched"]
    assert each + still == len(steps)
    assert len(outcomes) == each - counts["matched"]


def test_the_oldest_gives_way_at_the_cap() -> None:
    learner = Learner.fresh(waiting_at_most(VISITS, timedelta(days=1), max_pending=2))
    outcomes = all_of(*(learner.observe(visit(i), START)[1] for i in range(5)))
    assert [(one.event_id, one.status) for one in outcomes] == [
        (str(i), "expired") for i in range(3)
    ]


def test_what_is_kept_stays_bounded() -> None:
    project = waiting_at_most(VISITS, timedelta(days=1), max_pending=100)
    learner = Learner.fresh(replace(project, model=lambda: dummy.NoChangeClassifier()))
    sizes = []
    for number in range(2 * REMEMBERED_IDS + 2_000):
        learner.observe(visit(number, bought=None if number % 2 else 1), START + number)
        learner.answer(f"orphan {number}", 1, START + number)
        if number % 1_000 == 0:
            sizes.append(len(pickle.dumps(learner.state)))
    assert len(learner.state.remembered) == REMEMBERED_IDS
    assert max(sizes[-3:]) < 1.1 * max(sizes[8:12])


class Recorder(base.Classifier):
    """Keeps what it was taught."""

    def __init__(self) -> None:
        self.learnt: list[tuple[dict[Any, Any], Any]] = []

    def learn_one(self, x: dict[Any, Any], y: Any, **_: Any) -> None:
        self.learnt.append((x, y))

    def predict_proba_one(self, x: dict[Any, Any], **_: Any) -> dict[Any, float]:
        return {1: x["rate"]}


def test_features_and_prediction_are_those_of_the_moment_of_the_event() -> None:
    rate = {"USD": 0.25}

    def features(event: Visit) -> dict[str, Any]:
        return {**visit_features(event), "rate": rate["USD"]}

    learner = Learner.fresh(replace(VISITS, model=Recorder, features=features))
    learner.observe(visit("a", pages=3.0), START)
    rate["USD"] = 0.75
    (outcome,) = learner.answer("a", 1, START + 1)
    assert learner.state.model.learnt == [({"pages": 3.0, "rate": 0.25}, 1)]
    assert outcome.error == 0.75


def test_predicting_does_not_change_the_model() -> None:
    learner = Learner.fresh(fraud.PROJECT)
    feed(learner, fraud_events(500))
    before = codec.dumps(learner.state.model, KEY)
    for event in fraud_events(50, seed=1):
        learner.observe(without_label(event), START + 1_000)
    assert codec.dumps(learner.state.model, KEY) == before
