"""What shows how good a classifier of several classes is: each one against the rest."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from sklearn import metrics

from flows.batch.diagnostics import inputs
from flows.batch.diagnostics.thin import curve, told
from flows.batch.table import Floats
from flows.batch.task import Diagnostic, Json, Subject

MOST_CLASSES = 12
BINS = 10


def confusion(subject: Subject) -> Json:
    """Counts by label, downwards, and by what was said, of the commonest classes."""
    names = _commonest(subject)
    said = [one.decision for one in subject.predictions]
    matrix = metrics.confusion_matrix(subject.test.labels.astype(str), said, labels=names)
    return {"classes": names, "matrix": matrix.tolist()}


def roc(subject: Subject) -> Json:
    """True by false positive rate of each class against the rest."""
    found = {}
    for name, labels, chances in _each(subject):
        false, true, _ = metrics.roc_curve(labels, chances)
        area = float(metrics.auc(false, true))
        found[name] = {**curve(false_positive_rate=false, true_positive_rate=true), "area": area}
    return {"by_class": found}


def precision_recall(subject: Subject) -> Json:
    """Precision by recall of each class against the rest."""
    found = {}
    for name, labels, chances in _each(subject):
        precision, recall, _ = metrics.precision_recall_curve(labels, chances)
        score = float(metrics.average_precision_score(labels, chances))
        found[name] = {**curve(recall=recall, precision=precision), "average_precision": score}
    return {"by_class": found}


def calibration(subject: Subject) -> Json:
    """How often the likeliest class was the right one, by how likely it was said to be."""
    labels = subject.test.labels.astype(str)
    sure = np.array([one.probability for one in subject.predictions])
    right = np.array([one.decision for one in subject.predictions]) == labels
    bins = [part for part in np.array_split(np.argsort(sure, kind="stable"), BINS) if len(part)]
    return {
        "predicted": told([sure[part].mean() for part in bins]),
        "observed": told([right[part].mean() for part in bins]),
        "count": [len(part) for part in bins],
    }


def class_balance(subject: Subject) -> Json:
    """How many of each class there are in each part."""
    names, parts = _commonest(subject), subject.parts
    counts = {
        "train": Counter(parts.train.labels),
        "validation": Counter(parts.validation.labels),
        "test": Counter(parts.test.labels),
    }
    return {"classes": names} | {
        part: [found[name] for name in names] for part, found in counts.items()
    }


DIAGNOSTICS: dict[str, Diagnostic] = {
    "confusion": confusion,
    "roc": roc,
    "precision_recall": precision_recall,
    "calibration": calibration,
    "class_balance": class_balance,
    **inputs.DIAGNOSTICS,
}


def _commonest(subject: Subject) -> list[str]:
    counts = Counter(subject.parts.train.labels) + Counter(subject.test.labels)
    return sorted(str(name) for name, _ in counts.most_common(MOST_CLASSES))


def _each(subject: Subject) -> list[tuple[str, Any, Floats]]:
    """Each of the commonest classes that the test part has, and has something else beside."""
    model, test = subject.head.model, subject.test
    chances = model.predict_proba(test.frame[[one.name for one in subject.head.columns]])
    names, labels = [str(one) for one in model.classes_], test.labels.astype(str)
    return [
        (name, labels == name, chances[:, names.index(name)])
        for name in _commonest(subject)
        if name in names and 0 < np.sum(labels == name) < len(labels)
    ]
