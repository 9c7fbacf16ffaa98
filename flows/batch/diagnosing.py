"""Diagnostics that take long: they train again, or ask the model again and again.

They look at the rows that the version was trained on, as the Delta tables were then.
"""

from __future__ import annotations

from datetime import UTC, datetime

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from flows.batch import dataset, frozen, offered
from flows.batch.diagnostics.importance import partial_dependence, permutation_importance
from flows.batch.diagnostics.retraining import cross_validation, learning_curve, validation_curve
from flows.batch.diagnostics.spreading import projection_pca, projection_tsne
from flows.batch.diagnostics.study import Long, Study
from flows.batch.order import Order, Progress, part_of
from flows.batch.registered import BatchFacts, BatchRegistry
from flows.batch.task import Json
from flows.batch.tasks import batch_task
from flows.batch.training import enough
from flows.errors import ProjectError, VersionError
from flows.projects.spec import Project
from flows.settings import Settings

LONG: dict[str, Long] = {
    "learning_curve": learning_curve,
    "validation_curve": validation_curve,
    "cross_validation": cross_validation,
    "permutation_importance": permutation_importance,
    "partial_dependence": partial_dependence,
    "projection_pca": projection_pca,
    "projection_tsne": projection_tsne,
}


def diagnose(
    project: Project, settings: Settings, version: str | int, name: str, progress: Progress
) -> Json:
    """Make a diagnostic of a registered version, keep it beside the version, and return it.

    Raises ProjectError for a diagnostic that there is not, VersionError, and StoreError when the
    lake or MLflow fails, also when the lake does not remember what it was then.
    """
    if name not in offered.long(project):
        known = ", ".join(offered.long(project))
        raise ProjectError(f"{project.slug} has no long diagnostic {name!r}; name one of {known}")
    progress(0.0, "fetching the model")
    registry = BatchRegistry(settings.mlflow_uri, project)
    facts = registry.facts(version)
    if facts is None:
        raise VersionError(f"no batch model of {project.slug} has the alias {version}; train one")
    with threadpool_limits(1):
        study = _study(project, settings, facts, part_of(progress, 0.05, 0.25))
        found = LONG[name](study, part_of(progress, 0.25, 0.97))
    progress(0.97, "keeping what was found")
    registry.keep(facts.version, name, found)
    progress(1.0, "done")
    return found


def _study(project: Project, settings: Settings, facts: BatchFacts, progress: Progress) -> Study:
    model = frozen.load(project, settings, facts.version)
    since = Order(since=datetime.fromtimestamp(facts.first_time, UTC))
    data = dataset.load(project, settings, since, progress, facts.data)
    parts = enough(project, data.table)
    return Study(project, batch_task(project), facts.name, model.head, data.table, parts)
