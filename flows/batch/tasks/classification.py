"""Classification at once: calibrated probabilities, and classes made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from flows.batch.offered import ADDITIVE, BOOSTING, LOGISTIC
from flows.batch.preparing import SEED, coded, for_lines, for_trees
from flows.batch.table import Column, Floats, Objects, Parts, Table
from flows.batch.task import TabularHead
from flows.errors import ProjectError
from flows.learning.tasks.binary_prediction import BinaryPrediction
from flows.learning.tasks.multiclass_prediction import MulticlassPrediction
from flows.projects.spec import Project

FEWEST_TO_CALIBRATE = 20
"""Of a class in the validation part, below which its probabilities are left as they are."""


PARAMETERS: dict[str, tuple[str, Sequence[Any]]] = {
    BOOSTING: ("max_iter", (10, 30, 60, 120, 240)),
    ADDITIVE: ("max_iter", (20, 60, 120, 250, 500)),
    LOGISTIC: ("C", (0.001, 0.01, 0.1, 1.0, 10.0)),
}


def check_classes(project: Project, parts: Parts) -> None:
    """Two classes are needed to train and to validate. Raises ProjectError."""
    for name, part in (("training", parts.train), ("validation", parts.validation)):
        if len(set(part.labels)) < 2:
            raise ProjectError(
                f"{project.slug}: all {len(part)} labels of the {name} part are the same;"
                " take more rows, or wait for more labels"
            )


def pipeline(
    name: str, table: Table, target: str, changed: Mapping[str, Any] | None = None
) -> Pipeline:
    """Make an untrained candidate for a table; classes count equally, however rare."""
    if name == LOGISTIC:
        inputs = for_lines(table, target)
        model: Any = LogisticRegression(class_weight="balanced", C=0.1, max_iter=1000)
    else:
        inputs, model = for_trees(table, target), _boosting(name, coded(table))
    return Pipeline([("inputs", inputs), ("model", model.set_params(**(changed or {})))])


def _boosting(name: str, codes: list[int]) -> HistGradientBoostingClassifier:
    shape: dict[str, Any] = {"max_iter": 120, "max_leaf_nodes": 12}
    if name == ADDITIVE:
        shape = {"max_iter": 250, "max_leaf_nodes": 4, "interaction_cst": "no_interactions"}
    return HistGradientBoostingClassifier(
        learning_rate=0.08,
        min_samples_leaf=30,
        l2_regularization=5.0,
        class_weight="balanced",
        categorical_features=codes or None,
        early_stopping=False,
        random_state=SEED,
        **shape,
    )


def calibrated(model: Pipeline, validation: Table, labels: Objects) -> Any:
    """Let probabilities be shares of what they were said of; the model stays as it is."""
    _, counts = np.unique(labels, return_counts=True)
    known = set(labels) == set(model.classes_)
    if not known or counts.min() < FEWEST_TO_CALIBRATE:
        return model
    return CalibratedClassifierCV(FrozenEstimator(model)).fit(validation.frame, labels)


class BinaryHead(TabularHead):
    """Says how likely class 1 is, and decides by a threshold."""

    def __init__(self, columns: Sequence[Column], model: Any, threshold: float) -> None:
        super().__init__(columns)
        self.model = model
        self.threshold = threshold

    def predict_frame(self, frame: Any) -> list[BinaryPrediction]:
        """One prediction a row."""
        chances = self.model.predict_proba(frame)[:, 1].tolist()
        at = self.threshold
        return [BinaryPrediction(chance, int(chance >= at), at) for chance in chances]


class MulticlassHead(TabularHead):
    """Says which class is likeliest, and which comes next."""

    def __init__(self, columns: Sequence[Column], model: Any) -> None:
        super().__init__(columns)
        self.model = model

    def predict_frame(self, frame: Any) -> list[MulticlassPrediction]:
        """One prediction a row."""
        chances = self.model.predict_proba(frame)
        names = [str(one) for one in self.model.classes_]
        ranked = np.argsort(-chances, axis=1, kind="stable")[:, :2]
        likely = np.take_along_axis(chances, ranked, axis=1)
        return [
            MulticlassPrediction(names[first], most, names[second], next_most)
            for (first, second), (most, next_most) in zip(
                ranked.tolist(), likely.tolist(), strict=True
            )
        ]


def best_threshold(labels: Any, chances: Floats, beta: float) -> float:
    """The threshold with the highest F-beta, half way to the next lower chance.

    For labels that are chances themselves it is the expected one; Lipton, Elkan and Narayanaswamy
    (2014), "Optimal thresholding of classifiers to maximize F1 measure". 0.5 where there is no
    label 1 to find.
    """
    order = np.argsort(-chances, kind="stable")
    found, ranked = labels[order].astype(float), chances[order]
    hits, said = np.cumsum(found), np.arange(1, len(found) + 1)
    if not len(found) or not hits[-1]:
        return 0.5
    scores = (1 + beta**2) * hits / (beta**2 * hits[-1] + said)
    ends = np.append(ranked[1:] < ranked[:-1], True)
    best = int(np.argmax(np.where(ends, scores, -1.0)))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)
