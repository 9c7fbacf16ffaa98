"""How good a model is on a table, as a flow would find out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flows.batch.table import Row, Table
from flows.batch.task import Head
from flows.learning.task import Metrics
from flows.projects.spec import Project

MOST_AT_ONCE = 20_000


def judge(project: Project, head: Head, table: Table) -> tuple[dict[str, float], list[Any]]:
    """Predict each event before its label is taken in, as a flow does: metrics and predictions."""
    rows = []
    for inputs, label in zip(table.inputs(), table.labels, strict=True):
        rows.append(head.row(inputs))
        head.learn(inputs, label)
    said = predict(head, rows)
    return _measured(project, table, said).values(), said


def predict(head: Head, rows: Sequence[Row]) -> list[Any]:
    """The task's own prediction for each row; of many rows, some at a time."""
    return [
        one
        for first in range(0, len(rows), MOST_AT_ONCE)
        for one in head.predict_many(rows[first : first + MOST_AT_ONCE])
    ]


def _measured(project: Project, table: Table, said: Sequence[Any]) -> Metrics:
    metrics = project.task.metrics()
    for label, prediction, at in zip(table.labels, said, table.times, strict=True):
        metrics.update(label, prediction, at)
    return metrics
