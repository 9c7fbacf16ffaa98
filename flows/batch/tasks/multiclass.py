"""Classification into several classes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import metrics

from flows.batch.diagnostics import multiclass as curves
from flows.batch.order import Progress
from flows.batch.preparing import useful
from flows.batch.table import Floats, Parts
from flows.batch.task import BatchTask, Json, Subject
from flows.batch.tasks.classification import (
    PARAMETERS,
    MulticlassHead,
    calibrated,
    check_classes,
    pipeline,
)
from flows.projects.spec import Project


class MulticlassBatch(BatchTask):
    """Weighted classes and calibration; classes that training has not seen are never said."""

    diagnostics = curves.DIAGNOSTICS
    parameters = PARAMETERS

    def check(self, project: Project, parts: Parts) -> None:
        check_classes(project, parts)

    def fit(
        self,
        project: Project,
        name: str,
        parts: Parts,
        progress: Progress,
        changed: Mapping[str, Any] | None = None,
    ) -> MulticlassHead:
        columns = useful(parts.train)
        train, validation = parts.train.keep(columns), parts.validation.keep(columns)
        progress(0.0, f"training {name}")
        target = "multiclass" if len(set(train.labels)) > 2 else "binary"
        model = pipeline(name, train, target, changed).fit(train.frame, train.labels.astype(str))
        progress(0.9, f"calibrating {name}")
        return MulticlassHead(columns, calibrated(model, validation, validation.labels.astype(str)))

    def more(self, subject: Subject) -> dict[str, float]:
        """Agreement beyond chance, and how often the class is among the two likeliest."""
        labels = subject.test.labels.astype(str)
        said = np.array([one.decision for one in subject.predictions])
        second = np.array([str(one.runner_up) for one in subject.predictions])
        return {
            "MCC": float(metrics.matthews_corrcoef(labels, said)),
            "Top2Accuracy": float(np.mean((labels == said) | (labels == second))),
            "ZeroOneLoss": float(metrics.zero_one_loss(labels, said)),
        }

    def notes(self, head: MulticlassHead) -> Json:
        """The classes."""
        return {"classes": [str(one) for one in head.model.classes_]}

    def response(self, head: MulticlassHead, frame: Any) -> dict[str, Floats]:
        """How likely each class is."""
        chances = head.model.predict_proba(frame)
        return {str(name): chances[:, place] for place, name in enumerate(head.model.classes_)}
