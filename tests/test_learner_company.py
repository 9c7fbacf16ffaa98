"""What stands beside the model in a learner: what it remembers, challengers, alarms."""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import pytest
from river import dummy, linear_model, naive_bayes

from flows.errors import ProjectError
from flows.learning import codec
from flows.learning.drift import ErrorDrift
from flows.learning.learner import Learner
from flows.projects.spec import Project
from tests.examples import START, VISITS, Visit, feed, visit, visits
from tests.learner_streams import KEY, with_label


class VisitsBefore:
    """How many visits there were before, by any user."""

    def __init__(self) -> None:
        self.pages: OrderedDict[str, float] = OrderedDict()

    def recall(self, event: Visit) -> dict[str, Any]:
        return {"before": len(self.pages), "last": self.pages.get(event.visit_id, 0.0)}

    def note(self, event: Visit) -> None:
        self.pages[event.visit_id] = event.pages


REMEMBERING = replace(VISITS, past=VisitsBefore)
CHALLENGED = replace(VISITS, challengers={"prior": dummy.PriorClassifier})
UNLABELLED = replace(VISITS, label=None)


def labelled(count: int, seed: int = 0) -> list[Visit]:
    return [with_label(VISITS, event, label) for event, label in visits(count, seed)]


def test_features_are_frozen_before_the_event_is_noted() -> None:
    learner = Learner.fresh(REMEMBERING)
    feed(learner, [visit(number) for number in range(3)])
    seen = [waiting.features for waiting in learner.state.waiting.values()]
    assert [one["before"] for one in seen] == [0, 1, 2]
    assert all(one["last"] == 0.0 for one in seen)


def test_a_repeated_event_is_not_noted_twice() -> None:
    learner = Learner.fresh(REMEMBERING)
    feed(learner, [visit(0, pages=1.0), visit(0, pages=2.0)])
    assert learner.state.past.pages == {"0": 1.0}  # type: ignore[union-attr]


def test_a_predictor_sees_what_the_learner_remembers() -> None:
    learner = Learner.fresh(REMEMBERING)
    feed(learner, labelled(200))
    predictor = codec.loads(codec.dumps(learner.state.predictor, KEY), KEY)
    again = visit(199, pages=1.0)
    inputs = REMEMBERING.inputs(again, learner.state.past)
    assert inputs["before"] == 200
    expected = REMEMBERING.task.predict(learner.state.model, inputs)
    assert predictor.predict(REMEMBERING, again) == expected


def test_a_challenger_is_scored_like_the_champion_would_be_in_its_place() -> None:
    learner, alone = Learner.fresh(CHALLENGED), Learner.fresh(replace(VISITS, model=prior))
    events = labelled(300)
    feed(learner, events)
    feed(alone, events)
    assert learner.state.challengers["prior"].metrics.values() == alone.state.metrics.values()


def prior() -> dummy.PriorClassifier:
    return dummy.PriorClassifier()


def test_a_challenger_changes_nothing_for_the_champion() -> None:
    learner, alone = Learner.fresh(CHALLENGED), Learner.fresh(VISITS)
    events = labelled(300)
    assert feed(learner, events) == feed(alone, events)
    assert learner.state.metrics.values() == alone.state.metrics.values()


def test_a_late_label_scores_what_the_challenger_said_back_then() -> None:
    late, prompt = Learner.fresh(CHALLENGED), Learner.fresh(CHALLENGED)
    known = visits(100)
    feed(late, [event for event, _ in known])
    for event, label in known:
        late.answer(event.visit_id, label, START + 200)
    feed(prompt, labelled(100))
    assert late.state.challengers["prior"].metrics.values() == {}
    assert prompt.state.challengers["prior"].metrics.values() != {}


def test_a_restored_learner_takes_the_challengers_of_its_project() -> None:
    learner = Learner.fresh(CHALLENGED)
    feed(learner, labelled(100))
    kept = learner.state.challengers["prior"]
    logistic = linear_model.LogisticRegression
    again = Learner(
        replace(VISITS, challengers={"prior": prior, "logistic": logistic}), learner.state
    )
    assert again.state.challengers["prior"] is kept
    assert again.state.challengers["logistic"].metrics.values() == {}
    assert not Learner(VISITS, again.state).state.challengers


def test_a_challenger_that_comes_new_is_not_scored_for_what_it_was_not_asked() -> None:
    learner = Learner.fresh(VISITS)
    feed(learner, [event for event, _ in visits(50)])
    again = Learner(CHALLENGED, learner.state)
    for event, label in visits(50):
        again.answer(event.visit_id, label, START + 60)
    assert again.state.challengers["prior"].metrics.values() == {}
    assert again.state.counts["matched"] == 50


def test_without_labels_every_event_is_learnt_at_once() -> None:
    learner = Learner.fresh(counting())
    predictions = [learner.observe(visit(n), START + n) for n in range(3)]
    assert [said for said, _ in predictions] == [0, 1, 2]
    assert all(outcomes == [] for _, outcomes in predictions)
    assert learner.state.counts["learned"] == 3
    assert not learner.state.waiting


def test_without_labels_a_repeated_event_is_a_duplicate() -> None:
    learner = Learner.fresh(counting())
    learner.observe(visit(0), START)
    _, (outcome,) = learner.observe(visit(0), START + 1)
    assert outcome.status == "duplicate"
    assert learner.state.counts["learned"] == 1


def test_a_project_without_labels_reads_one_topic() -> None:
    assert UNLABELLED.topics == ("visits",)
    assert VISITS.topics == ("visits", "visits_labels")


def test_an_entity_of_several_fields_is_one_key() -> None:
    project = replace(VISITS, entity=("user_id", "visit_id"))
    assert project.key(visit(7)) == "user/7"
    with pytest.raises(ProjectError, match="entity='nobody' is no field of Visit"):
        replace(VISITS, entity=("user_id", "nobody"))


def test_a_model_is_told_of_drift_once_it_errs_more() -> None:
    learner = Learner.fresh(replace(VISITS, model=Forgetting))
    rng = random.Random(0)
    for number in range(4_000):
        label = int(rng.random() < 0.5)
        pages = rng.gauss(3.0 * (label if number < 2_000 else 1 - label), 1.0)
        learner.observe(visit(number, pages, label), START + number)
    (alarm,) = [one for one in learner.state.alarms if one["after"] > one["before"]]
    assert alarm["watched"] == "error"
    assert 2_000 < alarm["events_learned"] <= 2_500
    assert alarm["time"] == START + alarm["events_learned"] - 1
    assert learner.state.model.forgotten == 1


class Forgetting(naive_bayes.GaussianNB):
    """Begins anew when it is told that the stream has changed."""

    forgotten = 0

    def on_drift(self) -> None:
        told = self.forgotten + 1
        self.__init__()  # type: ignore[misc]
        self.forgotten = told


def counting() -> Project:
    task: Any = Reading()
    return replace(UNLABELLED, model=Counting, task=task)


class Counting(dummy.NoChangeClassifier):
    """Knows how often it has learnt."""

    learnt = 0


class Reading:
    """A task that predicts how much the model has learnt."""

    name = "reading"

    def predict(self, model: Counting, features: dict[str, Any]) -> int:  # noqa: ARG002
        return model.learnt

    def learn(self, model: Counting, features: dict[str, Any], label: None) -> None:  # noqa: ARG002
        model.learnt += 1

    def error(self, label: None, prediction: int) -> float:  # noqa: ARG002
        return 0.0

    def detector(self) -> ErrorDrift:
        return ErrorDrift()

    def metrics(self) -> Tally:
        return Tally()


class Tally:
    """Counts what it is given."""

    count = 0

    def update(self, label: None, prediction: int, time: float = 0.0) -> None:  # noqa: ARG002
        self.count += 1

    def values(self) -> dict[str, float]:
        return {"Count": self.count}

    def report(self) -> dict[str, Any]:
        return {}
