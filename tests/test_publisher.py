"""When a learner is worth a version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.learning.learner import Learner
from flows.learning.state import Change
from flows.learning.succession import promote
from flows.projects.spec import Project
from flows.settings import Settings
from flows.streaming import publisher
from flows.streaming.publisher import Publisher
from tests.examples import VISITS, feed, visits
from tests.learner_streams import with_label
from tests.successors import HANDED, hand

SETTINGS = Settings(_env_file=None, publish_seconds=0.0, version_seconds=60.0)


class Clock:
    """A clock that a test moves."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(publisher, "time", clock)
    return clock


class Shown:
    """A learner whose score a test chooses, and what is published of it."""

    def __init__(self, project: Project = VISITS) -> None:
        self.learner = Learner.fresh(project)
        self.publisher = Publisher(project, SETTINGS, 0)
        self.events = iter([with_label(project, *one) for one in visits(1_000)])

    def is_version(self, score: float | None = None) -> bool:
        """Learn one more event, and publish; is it with a version?"""
        feed(self.learner, [next(self.events)])
        state = self.learner.state
        if score is not None:
            state.metrics = Scored(score)
        made = self.publisher.due(state)
        assert made is not None
        return made.learner is not None


class Scored:
    """Metrics that a test chooses."""

    def __init__(self, score: float) -> None:
        self.score = score

    def update(self, label: object, prediction: object, time: float = 0.0) -> None:
        """Nothing moves them."""

    def values(self) -> dict[str, float]:
        return {VISITS.score: self.score, "LogLoss": self.score}

    def report(self) -> dict[str, object]:
        return {}


def test_versions_come_in_time(clock: Clock) -> None:
    shown, found = Shown(), []
    for _ in range(200):
        clock.now += 1
        found.append(shown.is_version(0.5))
    # The first has no score to compare with and comes as soon as may be.
    assert [number + 1 for number, is_one in enumerate(found) if is_one] == [10, 70, 130, 190]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        pytest.param(0.53, True, id="clearly better"),
        pytest.param(0.52, False, id="hardly better"),
        pytest.param(0.3, False, id="worse"),
    ],
)
def test_a_clear_improvement_is_registered_ahead_of_time(
    clock: Clock, score: float, expected: bool
) -> None:
    shown = Shown()
    clock.now += 10
    assert shown.is_version(0.5)
    clock.now += 9
    assert not shown.is_version(score)
    clock.now += 2
    assert shown.is_version(score) is expected


def test_where_less_is_better_less_is_an_improvement(clock: Clock) -> None:
    shown = Shown(replace(VISITS, score="LogLoss"))
    clock.now += 11
    assert shown.is_version(0.5)
    clock.now += 11
    assert not shown.is_version(0.6)
    assert shown.is_version(0.4)


def test_a_change_makes_a_version_at_once(clock: Clock) -> None:
    shown = Shown(HANDED)
    clock.now += 1
    assert not shown.is_version()
    promote(shown.learner.state, hand("prior"))
    assert shown.is_version()
    assert not shown.is_version()


@pytest.mark.usefixtures("clock")
def test_a_change_made_before_it_began_makes_one_as_well() -> None:
    """The flow may have been killed before that version was registered."""
    learner = Learner.fresh(HANDED)
    learner.state.record(Change(1, "rollback", "me", "so", 0.0))
    feed(learner, [with_label(HANDED, *one) for one in visits(3)])
    made = Publisher(HANDED, SETTINGS, 0).due(learner.state)
    assert made is not None
    assert made.learner is not None


def test_a_version_comes_in_time_though_nothing_else_does(clock: Clock) -> None:
    shown = Shown()
    clock.now += 1
    assert not shown.is_version(0.5)
    state = shown.learner.state
    assert shown.publisher.due(state) is None
    clock.now += 60
    made = shown.publisher.due(state)
    assert made is not None
    assert made.learner is not None
    clock.now += 60
    assert shown.publisher.due(state) is None
