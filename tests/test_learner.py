"""The learner against River's own test-then-train loop, and what it owes to any order of things."""

from __future__ import annotations

import pickle
import random
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import base, dummy, evaluate, forest, naive_bayes, tree
from river import metrics as river_metrics

from flows.errors import EventError
from flows.learning import codec
from flows.learning.learner import REMEMBERED_IDS, Learner, Outcome, State
from flows.learning.roc_auc import ROCAUC
from flows.projects import fraud
from flows.projects.spec import Project
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

KEY = b"a key"
HOUR = 3600.0

MODELS: dict[str, Callable[[], base.Estimator]] = {
    "naive bayes": naive_bayes.GaussianNB,
    "tree": lambda: tree.HoeffdingTreeClassifier(grace_period=50),
    "forest": lambda: forest.ARFClassifier(n_models=3, seed=1),
}


class PositiveOnTies(naive_bayes.GaussianNB):
    """River's naive Bayes says the class it saw first when both are as likely; the task says 1."""

    def predict_one(self, x: dict[Any, Any], **kwargs: Any) -> Any:
        probabilities: dict[Any, float] = super().predict_proba_one(x, **kwargs)  # type: ignore[no-untyped-call]
        return int(probabilities.get(1, 0.0) >= 0.5) if probabilities else None


Labelled = Sequence[tuple[Any, int]]


def by_class(beta: float = 1.0) -> list[river_metrics.base.Metric]:
    return [
        river_metrics.Accuracy(),
        river_metrics.F1(),
        river_metrics.FBeta(beta=beta),
        river_metrics.Precision(),
        river_metrics.Recall(),
        river_metrics.MCC(),
        river_metrics.GeometricMean(),
        river_metrics.CohenKappa(),
        river_metrics.BalancedAccuracy(),
        river_metrics.Jaccard(),
    ]


def by_probability() -> list[river_metrics.base.Metric]:
    return [river_metrics.LogLoss(), ROCAUC(pos_val=1)]


def by_window() -> river_metrics.base.Metric:
    return river_metrics.RollingROCAUC(window_size=5000, pos_val=1)


def oracle(
    project: Project,
    labelled: Labelled,
    measured: list[river_metrics.base.Metric],
    delays: Sequence[int] | int | None,
) -> dict[str, float]:
    """What River's own loop measures on the same features and labels."""
    features: list[dict[Any, Any]] = [project.features(event) for event, _ in labelled]
    numbers = {id(one): i for i, one in enumerate(features)}
    delay: Any = delays
    if isinstance(delays, Sequence):
        delay = lambda x, _: delays[numbers[id(x)]]  # noqa: E731 - River takes a function
    evaluate.progressive_val_score(
        dataset=zip(features, (label for _, label in labelled), strict=True),
        model=project.model(),
        metric=river_metrics.base.Metrics(measured) if measured[1:] else measured[0],
        delay=delay,
    )
    return {type(one).__name__: float(one.get()) for one in measured}


def run(project: Project, labelled: Labelled, delays: Sequence[int] | int) -> Learner:
    """Feed events, and each label `delay` events after its own, in the order of River's loop."""
    learner = Learner.fresh(project)
    due: list[tuple[int, int]] = []
    for now, (event, _) in enumerate(labelled):
        while due and due[0][0] <= now:
            answer(learner, *labelled[due.pop(0)[1]], START + now)
        learner.observe(event, START + now)
        insort(due, (now + (delays if isinstance(delays, int) else delays[now]), now))
    for when, number in due:
        answer(learner, *labelled[number], START + when)
    return learner


def answer(learner: Learner, event: Any, label: int, time: float) -> list[Outcome]:
    event_id = getattr(event, learner.project.event_id)
    return learner.answer(event_id, label, time)


def all_of(*groups: Iterable[Outcome]) -> list[Outcome]:
    return [outcome for group in groups for outcome in group]


def test_without_delay_equals_river(stream: tuple[Project, Labelled]) -> None:
    project, labelled = stream
    learner = Learner.fresh(project)
    for number, (event, label) in enumerate(labelled):
        learner.observe(with_label(project, event, label), START + number)
    assert_equals_river(learner, project, labelled, None)


@pytest.mark.parametrize("delay", [1, 500])
def test_with_a_delay_equals_river(stream: tuple[Project, Labelled], delay: int) -> None:
    project, labelled = stream
    assert_equals_river(run(project, labelled, delay), project, labelled, delay)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=80), st.integers(0, 5))
def test_with_any_delays_equals_river(delays: list[int], seed: int) -> None:
    project, labelled = replace(VISITS, model=PositiveOnTies), visits(len(delays), seed)
    assert_equals_river(run(project, labelled, delays), project, labelled, delays)


def assert_equals_river(
    learner: Learner, project: Project, labelled: Labelled, delays: Sequence[int] | int | None
) -> None:
    """Exactly: wherever ours has a value, and it has all of them once both classes were seen."""
    expected = oracle(project, labelled, by_class(project_beta(project)), delays)
    expected |= oracle(project, labelled, by_probability(), delays)
    expected |= oracle(project, labelled, [by_window()], delays)
    measured = learner.state.metrics.values()
    measured.pop("BrierScore", None)
    assert measured == {name: expected[name] for name in measured}
    if len(labelled) > 100:
        assert measured.keys() == expected.keys()
    assert learner.state.counts["learned"] == len(labelled)


def project_beta(project: Project) -> float:
    return fraud.BETA if project.slug == "fraud" else 1.0


def with_label(project: Project, event: Any, label: int) -> Any:
    return msgspec.structs.replace(event, **{project.label: label})


@pytest.fixture(scope="module", params=[*MODELS, "fraud"])
def stream(request: pytest.FixtureRequest) -> tuple[Project, Labelled]:
    """A project with its labelled events: small ones, and the real fraud model."""
    if request.param == "fraud":
        events = fraud_events(3_000)
        return fraud.PROJECT, [(without_label(one), one.is_fraud or 0) for one in events]
    return replace(VISITS, model=MODELS[request.param]), visits(1_500)


Step = tuple[bool, int]
"""Is it a label, and of which visit?"""


def play(learner: Learner, labelled: Labelled, steps: Iterable[Step]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for number, (is_label, which) in enumerate(steps):
        event, label = labelled[which]
        if is_label:
            outcomes += answer(learner, event, label, START + number)
        else:
            outcomes += learner.observe(event, START + number)[1]
    return outcomes


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[int, list[Step]]:
    """Every event and every label of some visits, in any order, some of them more than once."""
    count = draw(st.integers(1, 12))
    once: list[Step] = [(is_label, which) for is_label in (False, True) for which in range(count)]
    again = draw(st.lists(st.sampled_from(once), max_size=10))
    return count, draw(st.permutations(once + again))


@given(interleavings())
def test_any_interleaving_settles_the_same_pairs(case: tuple[int, list[Step]]) -> None:
    count, steps = case
    labelled = visits(count)
    learner = Learner.fresh(VISITS)
    outcomes = play(learner, labelled, steps)
    pairs = [(one.event_id, one.label) for one in outcomes if one.status == "matched"]
    assert sorted(pairs) == sorted((event.visit_id, label) for event, label in labelled)
    assert learner.state.counts["learned"] == count
    assert not learner.state.waiting
    assert not learner.state.early


@given(interleavings())
def test_what_comes_again_changes_nothing_but_its_count(case: tuple[int, list[Step]]) -> None:
    count, steps = case
    labelled = visits(count)
    repeated, once = Learner.fresh(VISITS), Learner.fresh(VISITS)
    outcomes = play(repeated, labelled, steps)
    play(once, labelled, dict.fromkeys(steps))
    assert essence(repeated.state) == essence(once.state)
    duplicates = [one for one in outcomes if one.status == "duplicate"]
    assert len(duplicates) == repeated.state.counts["duplicate"] == len(steps) - 2 * count


def essence(state: State) -> tuple[Any, ...]:
    """What a learner knows, without its counts of messages and its clock."""
    predictions = [state.model.predict_proba_one({"pages": pages / 4}) for pages in range(20)]
    metrics = state.metrics
    return predictions, metrics.values(), metrics.report(), list(state.waiting), list(state.early)


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


@pytest.mark.parametrize("cut", [0, 1, 250, 499])
def test_a_restored_learner_goes_on_as_if_never_interrupted(
    stream: tuple[Project, Labelled], cut: int
) -> None:
    project, labelled = stream
    labelled = labelled[:600]
    steps = late_steps(len(labelled), seed=cut)
    whole, half = Learner.fresh(project, lineage=7), Learner.fresh(project, lineage=7)
    expected = trace(whole, labelled, steps, 0)
    actual = trace(half, labelled, steps[:cut], 0)
    restored = Learner(project, codec.loads(codec.dumps(half.state, KEY), KEY))
    actual += trace(restored, labelled, steps[cut:], cut)
    assert actual == expected
    assert restored.state.metrics.values() == whole.state.metrics.values()
    assert restored.state.metrics.report() == whole.state.metrics.report()
    assert restored.state.counts == whole.state.counts
    assert restored.state.version == whole.state.version
    assert list(restored.state.drift.alarms) == list(whole.state.drift.alarms)


def late_steps(count: int, seed: int) -> list[Step]:
    """Events in order, each label up to 50 messages around its event, some twice."""
    rng = random.Random(seed)
    timed = [(float(which), False, which) for which in range(count)]
    timed += [(which + rng.uniform(-2, 48), True, which) for which in range(count)]
    timed += rng.sample(timed, 20)
    return [(is_label, which) for _, is_label, which in sorted(timed)]


def trace(learner: Learner, labelled: Labelled, steps: Sequence[Step], first: int) -> list[Any]:
    """Everything that a learner answers."""
    answers: list[Any] = []
    for number, (is_label, which) in enumerate(steps, first):
        event, label = labelled[which]
        time = START + number
        answers.append(
            answer(learner, event, label, time) if is_label else learner.observe(event, time)
        )
    return answers


def test_two_learners_agree_to_the_last_bit(stream: tuple[Project, Labelled]) -> None:
    project, labelled = stream
    frames = []
    for _ in range(2):
        learner = Learner.fresh(project)
        trace(learner, labelled, late_steps(300, seed=1), 0)
        frames.append(codec.dumps(learner.state, KEY))
    assert frames[0] == frames[1]


def test_the_version_names_lineage_and_what_was_learnt() -> None:
    learner = Learner.fresh(VISITS, lineage=42)
    feed(learner, [visit(0, bought=1), visit(1), visit(2, bought=0)])
    assert learner.state.version == "16.2"
