"""What shows how good a binary classifier is, on the test part."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import metrics

from flows.batch.diagnostics import inputs
from flows.batch.diagnostics.thin import curve, told
from flows.batch.table import Floats
from flows.batch.task import Diagnostic, Json, Subject
from flows.learning.tasks.binary_metrics import RELIABILITY_EDGES

CLASSES = ("0", "1")


def confusion(subject: Subject) -> Json:
    """Counts by label, downwards, and by what was said."""
    labels, _ = _judged(subject)
    said = [one.decision for one in subject.predictions]
    matrix = metrics.confusion_matrix(labels, said, labels=[0, 1])
    return {"classes": list(CLASSES), "matrix": matrix.tolist()}


def roc(subject: Subject) -> Json:
    """True by false positive rate, with the area below and where the threshold is."""
    labels, chances = _judged(subject)
    false, true, _ = metrics.roc_curve(labels, chances)
    area = metrics.auc(false, true)
    return {
        **curve(false_positive_rate=false, true_positive_rate=true),
        "area": float(area),
        "chosen": _chosen(subject),
    }


def precision_recall(subject: Subject) -> Json:
    """Precision by recall, with the average precision and the share of positives."""
    labels, chances = _judged(subject)
    precision, recall, _ = metrics.precision_recall_curve(labels, chances)
    return {
        **curve(recall=recall, precision=precision),
        "average_precision": float(metrics.average_precision_score(labels, chances)),
        "share": float(labels.mean()),
        "chosen": _chosen(subject),
    }


def det(subject: Subject) -> Json:
    """False negative by false positive rate: errors of both kinds, traded off."""
    labels, chances = _judged(subject)
    false, missed, _ = metrics.det_curve(labels, chances)
    return {**curve(false_positive_rate=false, false_negative_rate=missed)}


def calibration(subject: Subject) -> Json:
    """How often it was so, by how likely it was said to be, in the learner's own bins."""
    labels, chances = _judged(subject)
    bins = np.digitize(chances, RELIABILITY_EDGES)
    parts = [bins == one for one in np.unique(bins)]
    return {
        "predicted": told([chances[part].mean() for part in parts]),
        "observed": told([labels[part].mean() for part in parts]),
        "count": [int(part.sum()) for part in parts],
        "brier": float(metrics.brier_score_loss(labels, chances)),
    }


def gain(subject: Subject) -> Json:
    """The share of positives found by the share of rows looked at, likeliest first."""
    share, found = _ranked(subject)
    return {**curve(share=share, found=found)}


def lift(subject: Subject) -> Json:
    """How many times more positives than by chance are in the likeliest share of rows."""
    share, found = _ranked(subject)
    return {**curve(share=share[1:], lift=found[1:] / share[1:])}


def threshold(subject: Subject) -> Json:
    """Precision, recall and F-beta by threshold."""
    labels, chances = _judged(subject)
    beta = float(getattr(subject.project.task, "beta", 1.0))
    precision, recall, at = metrics.precision_recall_curve(labels, chances)
    below = np.maximum(beta**2 * precision + recall, 1e-12)
    score = (1 + beta**2) * precision * recall / below
    return {
        **curve(threshold=at, precision=precision[:-1], recall=recall[:-1], fbeta=score[:-1]),
        "beta": beta,
        "chosen": subject.head.threshold,
    }


def class_balance(subject: Subject) -> Json:
    """How many of each class there are in each part."""
    parts = subject.parts
    return {
        "classes": list(CLASSES),
        **{
            name: [int(np.sum(part.labels == one)) for one in (0, 1)]
            for name, part in (
                ("train", parts.train),
                ("validation", parts.validation),
                ("test", parts.test),
            )
        },
    }


DIAGNOSTICS: dict[str, Diagnostic] = {
    "confusion": confusion,
    "roc": roc,
    "precision_recall": precision_recall,
    "det": det,
    "calibration": calibration,
    "gain": gain,
    "lift": lift,
    "threshold": threshold,
    "class_balance": class_balance,
    **inputs.DIAGNOSTICS,
}


def _judged(subject: Subject) -> tuple[Any, Floats]:
    labels = subject.test.labels.astype(int)
    return labels, np.array([one.probability for one in subject.predictions])


def _chosen(subject: Subject) -> dict[str, float | None]:
    """Where the model's own threshold is on the curves."""
    labels, _ = _judged(subject)
    said = np.array([one.decision for one in subject.predictions])
    hits, false = np.sum(said & labels), np.sum(said & (1 - labels))
    shares = (
        hits / max(1, labels.sum()),
        hits / max(1, said.sum()),
        false / max(1, np.sum(1 - labels)),
    )
    return dict(zip(("recall", "precision", "false_positive_rate"), told(shares), strict=True))


def _ranked(subject: Subject) -> tuple[Floats, Floats]:
    """Shares of rows, and of positives among them, likeliest first."""
    labels, chances = _judged(subject)
    order = np.argsort(-chances, kind="stable")
    found = np.concatenate([[0.0], np.cumsum(labels[order])])
    return np.linspace(0, 1, len(found)), found / max(1.0, found[-1])
