"""Streams to learn from, with labels that come when they come."""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from river import base, evaluate, forest, naive_bayes, tree
from river import metrics as river_metrics

from flows.learning.learner import Learner, Outcome, State
from flows.learning.tasks.roc_auc import ROCAUC
from flows.projects.spec import Project
from tests.examples import (
    START,
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
    features = list(inputs(project, labelled))
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


def inputs(project: Project, labelled: Labelled) -> Iterator[dict[Any, Any]]:
    """What a model sees of each event, with what the ones before say of it."""
    past = project.past() if project.past else None
    for event, _ in labelled:
        yield project.inputs(event, past)
        if past is not None:
            past.note(event)


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


def with_label(project: Project, event: Any, label: int) -> Any:
    return msgspec.structs.replace(event, **dict.fromkeys(project.unknown, label))


Step = tuple[bool, int]


def play(learner: Learner, labelled: Labelled, steps: Iterable[Step]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for number, (is_label, which) in enumerate(steps):
        event, label = labelled[which]
        if is_label:
            outcomes += answer(learner, event, label, START + number)
        else:
            outcomes += learner.observe(event, START + number)[1]
    return outcomes


def essence(state: State) -> tuple[Any, ...]:
    """What a learner knows, without its counts of messages and its clock."""
    predictions = [state.model.predict_proba_one({"pages": pages / 4}) for pages in range(20)]
    metrics = state.metrics
    return predictions, metrics.values(), metrics.report(), list(state.waiting), list(state.early)


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
