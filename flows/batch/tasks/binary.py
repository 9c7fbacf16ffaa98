"""Binary classification at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import metrics

from flows.batch.diagnostics import binary as curves
from flows.batch.order import Progress
from flows.batch.preparing import useful
from flows.batch.table import Floats, Parts
from flows.batch.task import BatchTask, Json, Subject
from flows.batch.tasks.classification import (
    PARAMETERS,
    BinaryHead,
    best_threshold,
    calibrated,
    check_classes,
    pipeline,
)
from flows.projects.spec import Project


class BinaryBatch(BatchTask):
    """Weighted classes, calibration, and the threshold that is best by what is to be expected."""

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
    ) -> BinaryHead:
        columns = useful(parts.train)
        train, validation = parts.train.keep(columns), parts.validation.keep(columns)
        progress(0.0, f"training {name}")
        model = pipeline(name, train, "binary", changed)
        model.fit(train.frame, train.labels.astype(int))
        progress(0.9, f"calibrating {name}")
        sure = calibrated(model, validation, validation.labels.astype(int))
        chances = sure.predict_proba(validation.frame)[:, 1]
        # What is calibrated tells what to expect; the labels would add the luck of a few.
        known = validation.labels if sure is model else chances
        beta = getattr(project.task, "beta", 1.0)
        return BinaryHead(columns, sure, best_threshold(known, chances, beta))

    def more(self, subject: Subject) -> dict[str, float]:
        """Average precision, and how much better than the mean rate probabilities are."""
        labels = subject.test.labels.astype(int)
        if len(set(labels)) < 2:
            return {}
        chances = np.array([one.probability for one in subject.predictions])
        decisions = np.array([one.decision for one in subject.predictions])
        rate = np.full(len(labels), labels.mean())
        brier = metrics.brier_score_loss(labels, chances)
        return {
            "AveragePrecision": float(metrics.average_precision_score(labels, chances)),
            "D2LogLoss": float(metrics.d2_log_loss_score(labels, chances)),
            "D2Brier": float(1 - brier / metrics.brier_score_loss(labels, rate)),
            "ZeroOneLoss": float(metrics.zero_one_loss(labels, decisions)),
        }

    def notes(self, head: BinaryHead) -> Json:
        """The threshold."""
        return {"threshold": head.threshold}

    def response(self, head: BinaryHead, frame: Any) -> dict[str, Floats]:
        """How likely class 1 is."""
        return {"probability": head.model.predict_proba(frame)[:, 1]}
