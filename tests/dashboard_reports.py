"""Reports of each task as its own metrics and models tell them, for the dashboard's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from flows import projects
from flows.learning.learner import Learner
from flows.learning.tasks.multiclass_metrics import MulticlassMetrics
from flows.learning.tasks.multiclass_prediction import MulticlassPrediction
from scripts import streams

LEARNT = {"eta": 700, "interactions": 900, "sales": 1_000, "fraud": 600}


def learner(slug: str) -> Learner:
    """A project's learner that has seen enough of its living stream to have a report."""
    project = projects.get(slug)
    made = Learner.fresh(project, 1_700_000_000_000)
    for values, _ in streams.drawn(slug, profile="living", seed=1, start=None, count=LEARNT[slug]):
        event = msgspec.convert(values, project.event)
        made.observe(event, getattr(event, project.time).timestamp())
    return made


def snapshot_of(made: Learner) -> dict[str, Any]:
    """What the API would say of a learner's metrics."""
    state = made.state
    report = msgspec.json.decode(msgspec.json.encode(state.report))
    rivals = {name: one.metrics.values() for name, one in state.challengers.items()}
    return {
        "metrics": state.metrics.values(),
        "challengers": rivals,
        "report": report,
        "event_time": None,
    }


def of_trees() -> dict[str, Any]:
    """A report on three classes, one of which is mostly taken for another."""
    metrics = MulticlassMetrics()
    says: Callable[[int], str] = lambda number: "oak" if number % 4 else "elm"  # noqa: E731
    for number in range(60):
        label = ("ash", "oak", "elm")[number % 3]
        decision = label if label != "elm" else says(number)
        metrics.update(label, MulticlassPrediction(decision, 0.7, "ash", 0.2))
    return metrics.report()
