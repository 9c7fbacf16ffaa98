"""What training again shows: with fewer rows, other parameters, at other times."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from flows.batch.diagnostics.study import Study
from flows.batch.diagnostics.thin import places, told
from flows.batch.judging import judge
from flows.batch.order import Progress, part_of
from flows.batch.table import Parts, Table
from flows.batch.task import Json, TabularHead
from flows.errors import ProjectError

SHARES = (0.1, 0.2, 0.35, 0.6, 1.0)
FOLDS = 5
SEEN = 4_000
VALIDATING = 4
"""One row in so many of a fold's training rows, the newest ones, validates."""


def learning_curve(study: Study, progress: Progress) -> Json:
    """The score by how many of the newest rows are trained on."""
    train, rows = study.parts.train, []
    for number, share in enumerate(SHARES):
        own = part_of(progress, number / len(SHARES), (number + 1) / len(SHARES))
        newest = train.take(slice(len(train) - round(share * len(train)), None))
        own(0.0, f"training on {len(newest)} rows")
        parts = Parts(newest, study.parts.validation, study.parts.test)
        rows.append((len(newest), *_scores(study, parts, own)))
    counts, seen, unseen, seconds = zip(*rows, strict=True)
    return {"rows": counts, **_told(study, seen, unseen), "seconds": told(seconds)}


def validation_curve(study: Study, progress: Progress) -> Json:
    """The score by the parameter that matters most. Raises ProjectError for a model without."""
    if study.name not in study.task.parameters:
        raise ProjectError(f"{study.name} has no parameter whose curve could be drawn")
    parameter, values = study.task.parameters[study.name]
    rows = []
    for number, value in enumerate(values):
        own = part_of(progress, number / len(values), (number + 1) / len(values))
        own(0.0, f"training with {parameter} = {value}")
        rows.append(_scores(study, study.parts, own, {parameter: value}))
    seen, unseen, seconds = zip(*rows, strict=True)
    return {
        "parameter": parameter,
        "values": list(values),
        **_told(study, seen, unseen),
        "seconds": told(seconds),
    }


def cross_validation(study: Study, progress: Progress) -> Json:
    """The score on each of five spans of time, of models trained on all that was before it."""
    table, size = study.table, len(study.table) // (FOLDS + 1)
    rows = []
    for number in range(FOLDS):
        own = part_of(progress, number / FOLDS, (number + 1) / FOLDS)
        own(0.0, f"training for span {number + 1} of {FOLDS}")
        before, last = (number + 1) * size, (number + 2) * size
        middle = before - before // VALIDATING
        test = table.take(slice(before, last))
        parts = Parts(
            table.take(slice(0, middle)), table.take(slice(middle, before)), table.take(slice(0, 0))
        )
        study.task.check(study.project, parts)
        head = study.task.fit(study.project, study.name, parts, part_of(own, 0.0, 0.9))
        if not isinstance(head, TabularHead):
            judge(study.project, head, parts.validation)
        metrics, _ = judge(study.project, head, test)
        ends = float(test.times[0]), float(test.times[-1])
        rows.append((middle, *ends, metrics.get(study.project.score, np.nan)))
    counts, first, end, scores = zip(*rows, strict=True)
    known = [one for one in scores if np.isfinite(one)]
    return {
        "trained_on": counts,
        "from": first,
        "to": end,
        "score": told(scores),
        "measure": study.project.score,
        "maximize": study.project.task.maximize(study.project.score),
        "mean": float(np.mean(known)) if known else None,
        "spread": float(np.std(known)) if known else None,
    }


def _scores(
    study: Study, parts: Parts, progress: Progress, changed: Mapping[str, Any] | None = None
) -> tuple[float, float, float]:
    """Scores on what was trained on, where that can be told, and on the validation part."""
    began = time.monotonic()
    progress_of_fit = part_of(progress, 0.0, 0.8)
    head = study.task.fit(study.project, study.name, parts, progress_of_fit, changed)
    took, seen = time.monotonic() - began, np.nan
    if isinstance(head, TabularHead):
        seen = _score(study, head, parts.train.take(places(len(parts.train), SEEN)))
    return seen, _score(study, head, parts.validation), took


def _score(study: Study, head: Any, table: Table) -> float:
    metrics, _ = judge(study.project, head, table)
    return metrics.get(study.project.score, np.nan)


def _told(study: Study, seen: Any, unseen: Any) -> Json:
    return {
        "train": told(seen),
        "validation": told(unseen),
        "measure": study.project.score,
        "maximize": study.project.task.maximize(study.project.score),
    }
