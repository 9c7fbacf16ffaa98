"""What a flow tells Prometheus, on real polls and a real publication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from flows.learning.learner import Learner
from flows.learning.task import Task
from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming import instruments
from flows.streaming.learn import learn
from flows.streaming.messages import Decoded, Learned, Message, Publication, Rejected, Source
from flows.streaming.publisher import Publisher
from flows.streaming.stopwatch import CALLS, Stopwatch
from tests.examples import VISITS, visits


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


@pytest.fixture
def project(unique: Callable[[str], str]) -> Project:
    """Visits under a slug whose metrics nobody else touches."""
    return replace(VISITS, slug=unique("visits"), challengers={"same": VISITS.model})


def poll(count: int, source: Source, lag: int | None = None) -> Decoded:
    accepted: list[tuple[Message, Any]] = [
        (Message(number, float(number), None, None), type(visit)(*_labelled(visit, label)))
        for number, (visit, label) in enumerate(visits(count))
    ]
    refused = [Rejected(Message(count, 0.0, None, b"{"), "undecodable", "no JSON")]
    return Decoded(source, "cluster", accepted, refused, lag)


def _labelled(visit: Any, label: int) -> tuple[Any, ...]:
    return visit.visit_id, visit.user_id, visit.timestamp, visit.pages, label


@pytest.fixture
def learned(project: Project) -> Iterator[Learned]:
    """A poll of 200 events, learnt and shown."""
    learner = Learner.fresh(project)
    decoded = poll(200, Source("visits", 2), lag=17)
    taught = learn(learner, decoded)
    shown = Publisher(project, Settings(_env_file=None), 2).last_words(learner.state)
    taught = Learned(
        taught.source, "cluster", 0, taught.events, taught.outcomes, [], shown, decoded.lag
    )
    instruments.begin(project.slug)
    instruments.count_decoded(project.slug, decoded)
    instruments.count_learned(project, taught)
    yield taught


def test_a_poll_is_counted(project: Project, learned: Learned) -> None:
    slug = project.slug
    assert value("realtime_events_total", project=slug) == 200
    assert value("realtime_outcomes_total", project=slug, outcome="matched") == 200
    assert value("realtime_dead_letters_total", project=slug, reason="undecodable") == 1
    assert value("realtime_lag_messages", project=slug, source="visits/2") == 17
    assert len(learned.events) == 200


def test_what_may_come_is_there_before_it_comes(project: Project) -> None:
    slug = project.slug
    assert value("realtime_events_total", project=slug) is None
    instruments.begin(slug)
    assert value("realtime_events_total", project=slug) == 0
    for outcome in ("matched", "expired", "orphan", "duplicate"):
        assert value("realtime_outcomes_total", project=slug, outcome=outcome) == 0
    for reason in ("invalid", "undecodable"):
        assert value("realtime_dead_letters_total", project=slug, reason=reason) == 0
    assert (value("realtime_last_epoch_timestamp_seconds") or 0) > 1.7e9


def test_a_publication_shows_the_model(project: Project, learned: Learned) -> None:
    place = {"project": project.slug, "shard": "2"}
    publication = learned.publication
    assert publication is not None
    facts = publication.facts
    assert value("realtime_events_learned", **place) == 200
    assert value("realtime_pending_predictions", **place) == 0
    assert value("realtime_labelled_ratio", **place) == 1
    assert value("realtime_model_bytes", **place) == len(publication.model)
    assert value("realtime_model_score", metric="F1", **place) == facts.metrics["F1"]
    assert value("realtime_main_score", metric="F1", better="more", **place) == facts.metrics["F1"]
    same = facts.challengers["same"]
    assert value("realtime_challenger_score", challenger="same", metric="F1", **place) == same["F1"]


@pytest.mark.parametrize(
    ("score", "better", "own", "theirs", "lead"),
    [
        ("F1", "more", 0.6, 0.5, 0.2),
        ("F1", "more", 0.4, 0.5, -0.2),
        ("LogLoss", "less", 0.4, 0.5, 0.2),
        ("LogLoss", "less", 0.6, 0.5, -0.2),
    ],
)
def test_a_lead_is_above_zero_when_the_model_is_better(
    project: Project,
    learned: Learned,
    score: str,
    better: str,
    own: float,
    theirs: float,
    lead: float,
) -> None:
    assert project.task.maximize(score) == (better == "more")
    judged = replace(project, score=score)
    _publish_again(judged, learned, {score: own}, {"rival": {score: theirs}})
    place = {"project": project.slug, "shard": "2"}
    assert value("realtime_main_score", metric=score, better=better, **place) == own
    found = value("realtime_model_lead_ratio", challenger="rival", **place)
    assert found == pytest.approx(lead)


def test_who_is_no_challenger_any_more_has_no_lead(project: Project, learned: Learned) -> None:
    place = {"project": project.slug, "shard": "2"}
    _publish_again(project, learned, {"F1": 0.5}, {"old": {"F1": 0.4}})
    _publish_again(project, learned, {"F1": 0.5}, {"new": {"F1": 0.4}})
    assert value("realtime_model_lead_ratio", challenger="old", **place) is None
    assert value("realtime_model_lead_ratio", challenger="new", **place) == pytest.approx(0.25)


def _publish_again(
    project: Project,
    learned: Learned,
    metrics: dict[str, float],
    challengers: dict[str, dict[str, float]],
) -> None:
    assert learned.publication is not None
    facts = msgspec.structs.replace(
        learned.publication.facts, metrics=metrics, challengers=challengers
    )
    publication = Publication(facts, b"", None)
    instruments.count_learned(
        project, msgspec.structs.replace(learned, events=[], outcomes=[], publication=publication)
    )


def test_a_step_is_timed_even_when_it_fails(project: Project) -> None:
    def work() -> None:
        with instruments.timed(project.slug, "lake"):
            raise OSError

    with pytest.raises(OSError):
        work()
    labels = {"project": project.slug, "step": "lake"}
    assert value("realtime_step_duration_seconds_count", **labels) == 1
    assert value("realtime_step_duration_seconds_sum", **labels)


def timings(project: Project, work: str) -> float:
    name = "realtime_model_work_duration_seconds_count"
    return value(name, project=project.slug, work=work) or 0.0


def test_a_few_predictions_and_lessons_of_a_poll_are_timed(project: Project) -> None:
    watch = Stopwatch(project.slug, project.task)
    learner = Learner.fresh(project)
    learner.task = watch.task()
    learn(learner, poll(CALLS, Source("visits", 0)))
    assert (timings(project, "predict"), timings(project, "learn")) == (CALLS, CALLS)
    learner.task = watch.task()
    assert learner.task is project.task


def test_a_timed_learner_learns_the_same(project: Project) -> None:
    plain, timed = Learner.fresh(project), Learner.fresh(project)
    timed.task = Stopwatch(project.slug, project.task).task()
    rows = [learn(one, poll(100, Source("visits", 0))) for one in (plain, timed)]
    assert rows[0] == rows[1]
    assert plain.state.metrics.values() == timed.state.metrics.values()


def test_a_timed_task_is_the_task_in_all_else(project: Project) -> None:
    timed: Task = Stopwatch(project.slug, project.task).task()
    assert timed is not project.task
    assert (timed.name, timed.label) == (project.task.name, project.task.label)
    assert timed.maximize("F1")
