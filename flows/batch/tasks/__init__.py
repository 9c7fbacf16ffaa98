"""How each kind of task is trained at once: its candidates, its predictor, its diagnostics."""

from __future__ import annotations

from importlib import import_module

from flows.batch import offered
from flows.batch.task import BatchTask
from flows.projects.spec import Project

CLASSES = {
    "binary": "BinaryBatch",
    "multiclass": "MulticlassBatch",
    "regression": "RegressionBatch",
    "clustering": "ClusteringBatch",
    "forecasting": "ForecastingBatch",
}


def batch_task(project: Project) -> BatchTask:
    """The part that a project's task needs. Raises ProjectError for a task of somebody's own."""
    offered.offer(project)
    name = project.task.name
    made: BatchTask = getattr(import_module(f"{__name__}.{name}"), CLASSES[name])()
    return made
