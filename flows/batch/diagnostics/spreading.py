"""The rows of the test part on a plane, by their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from flows.batch.diagnostics import clustering, projection
from flows.batch.diagnostics.inputs import coded
from flows.batch.diagnostics.study import Study
from flows.batch.diagnostics.thin import places
from flows.batch.order import Progress
from flows.batch.table import Floats
from flows.batch.task import Json, Subject

OF_EACH = 400
MOST_CLASSES = 8


def projection_pca(study: Study, progress: Progress) -> Json:
    """The plane on which rows are spread most."""
    progress(0.1, "choosing rows")
    return projection.pca(*_points(study))


def projection_tsne(study: Study, progress: Progress) -> Json:
    """A plane on which neighbours stay neighbours."""
    progress(0.1, "choosing rows")
    points, classes = _points(study)
    progress(0.2, f"laying out {len(points)} points")
    return projection.tsne(points, classes)


def _points(study: Study) -> tuple[Floats, list[str]]:
    """Clusters' things in their measure; else rows of each class in standard deviations."""
    if study.project.task.name == "clustering":
        points, members = clustering.sample(Subject(study.project, study.head, study.parts, ()))
        return points, [study.head.names[one] for one in members]
    test = study.parts.test
    labels = test.labels.astype(str)
    names, counts = np.unique(labels, return_counts=True)
    commonest = names[np.argsort(-counts, kind="stable")][:MOST_CLASSES]
    chosen = np.sort(np.concatenate([_some(np.flatnonzero(labels == one)) for one in commonest]))
    _, values = coded(test.take(chosen).keep(study.head.columns))
    spread = values.std(0)
    return (values - values.mean(0)) / np.where(spread > 0, spread, 1.0), labels[chosen].tolist()


def _some(found: Any) -> Any:
    return found[places(len(found), OF_EACH)]
