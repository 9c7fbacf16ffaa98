"""Trains a project's candidates on the lake's labelled events, and registers the best.

The newest fifth tests and is looked at once, by the winner; the fifth before it chooses the winner,
its calibration and its threshold; all before that trains.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from flows.batch import dataset, offered
from flows.batch.dataset import Dataset
from flows.batch.frozen import FrozenModel, encode
from flows.batch.judging import judge
from flows.batch.order import Order, Progress, part_of
from flows.batch.registered import BatchFacts, BatchRegistry
from flows.batch.table import Parts, Table, split
from flows.batch.task import BatchTask, Head, Json, Subject
from flows.batch.tasks import batch_task
from flows.errors import ProjectError
from flows.projects.spec import Project
from flows.settings import Settings

FEWEST_ROWS = 200

__all__ = ["Order", "Progress", "Trained", "judge", "register", "train"]


@dataclass(frozen=True)
class Trained:
    """A model that was trained, and all that is known of it.

    `candidates`: metrics of the validation part, by name; `metrics`: the winner's, of the test
    part; `data`: versions of the Delta tables. `example`: events as in their JSON.
    """

    frozen: FrozenModel
    metrics: dict[str, float]
    candidates: dict[str, dict[str, float]]
    data: dict[str, int]
    seconds: float
    notes: Json = field(default_factory=dict)
    diagnostics: dict[str, Json] = field(default_factory=dict)
    example: list[dict[str, Any]] = field(default_factory=list)


def train(project: Project, settings: Settings, order: Order, progress: Progress) -> Trained:
    """Train what was ordered. Raises ProjectError for what cannot be, StoreError for the lake."""
    names, began = _names(project, order), time.monotonic()
    task = batch_task(project)
    data = dataset.load(project, settings, order, part_of(progress, 0.0, 0.3))
    parts = enough(project, data.table)
    task.check(project, parts)
    with threadpool_limits(1):  # more of them wait for each other by spinning
        heads, scores = _compete(project, task, names, parts, part_of(progress, 0.3, 0.85))
        name = _best(project, scores)
        progress(0.85, f"testing {name}")
        metrics, predictions = judge(project, heads[name], parts.test)
        subject = Subject(project, heads[name], parts, predictions)
        metrics |= task.more(subject)
        diagnostics = _diagnostics(task, subject, part_of(progress, 0.9, 1.0))
    values = metrics.values()
    frozen = _frozen(project, name, heads[name], data, dict(zip(metrics, values, strict=True)))
    seconds, notes = time.monotonic() - began, task.notes(heads[name])
    progress(1.0, "trained")
    return Trained(
        frozen, metrics, scores, data.versions, seconds, notes, diagnostics, data.example
    )


def register(project: Project, settings: Settings, trained: Trained) -> str:
    """Make a version of what was trained, then let the alias name it; returns its number.

    Raises StoreError when MLflow does not answer.
    """
    frozen = trained.frozen
    facts = BatchFacts(
        name=frozen.name,
        candidates=trained.candidates,
        metrics=trained.metrics,
        rows=frozen.rows,
        first_time=frozen.first_time,
        last_time=frozen.last_time,
        data=trained.data,
        seconds=trained.seconds,
        notes=trained.notes,
    )
    frame = encode(frozen, settings.signing_key.get_secret_value().encode())
    registry = BatchRegistry(settings.mlflow_uri, project)
    number = registry.register(facts, frame, trained.diagnostics, trained.example)
    frozen.version = str(number)
    return frozen.version


def enough(project: Project, table: Table) -> Parts:
    """Split a table by time. Raises ProjectError for one that is too small."""
    if len(table) < FEWEST_ROWS:
        raise ProjectError(
            f"{project.slug}: the lake has {len(table)} such rows with a label, and training needs"
            f" {FEWEST_ROWS}; take more, or let a flow run for longer"
        )
    return split(table)


def _names(project: Project, order: Order) -> tuple[str, ...]:
    known = offered.candidates(project)
    if order.model is None:
        return known
    if order.model not in known:
        raise ProjectError(
            f"{project.slug} has no batch model {order.model!r}; name one of {', '.join(known)}"
        )
    return (order.model,)


def _compete(
    project: Project, task: BatchTask, names: Sequence[str], parts: Parts, progress: Progress
) -> tuple[dict[str, Head], dict[str, dict[str, float]]]:
    """Train all and judge them on the validation part."""
    heads: dict[str, Head] = {}
    scores: dict[str, dict[str, float]] = {}
    for number, name in enumerate(names):
        own = part_of(progress, number / len(names), (number + 1) / len(names))
        heads[name] = task.fit(project, name, parts, part_of(own, 0.0, 0.9))
        own(0.9, f"validating {name}")
        scores[name], _ = judge(project, heads[name], parts.validation)
    return heads, scores


def _best(project: Project, scores: dict[str, dict[str, float]]) -> str:
    """The best by the project's own score; the first one where none has it."""
    sign = 1 if project.task.maximize(project.score) else -1
    worst = float("-inf")

    def ranked(name: str) -> float:
        found = scores[name].get(project.score)
        return worst if found is None or found != found else sign * found

    return max(scores, key=ranked)


def _diagnostics(task: BatchTask, subject: Subject, progress: Progress) -> dict[str, Json]:
    found = {}
    for number, name in enumerate(offered.short(subject.project)):
        progress(number / len(task.diagnostics), f"diagnosing: {name.replace('_', ' ')}")
        found[name] = task.diagnostics[name](subject)
    return found


def _frozen(
    project: Project, name: str, head: Head, data: Dataset, scores: dict[str, float]
) -> FrozenModel:
    times = data.table.times
    ends = float(times[0]), float(times[-1])
    return FrozenModel(project.slug, name, head, len(times), *ends, scores, data.past)
