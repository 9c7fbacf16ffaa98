"""Regression at once: a median, and an interval that holds four of five."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

from flows.batch.diagnostics import regression as curves
from flows.batch.offered import BOOSTING, LINEAR
from flows.batch.order import Progress
from flows.batch.preparing import SEED, coded, for_lines, for_trees, useful
from flows.batch.table import Column, Floats, Parts, Table
from flows.batch.task import BatchTask, Json, Subject, TabularHead
from flows.learning.tasks.regression_prediction import RegressionPrediction
from flows.projects.spec import Project

COVERAGE = 0.8
TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
PARAMETERS: dict[str, tuple[str, Sequence[Any]]] = {
    BOOSTING: ("max_iter", (10, 30, 60, 120, 240)),
    LINEAR: ("alpha", (0.01, 0.1, 1.0, 10.0, 100.0)),
}
LARGEST_LOG = 60.0
"""Nothing is predicted beyond it, which would be no number."""


class Scale:
    """The scale that is learnt on: labels as they are, or logarithms where ratios matter."""

    def __init__(self, task: Any) -> None:
        self.least = float(getattr(task, "least", -np.inf))
        self.logarithmic = bool(getattr(task, "relative", False)) and self.least > -1

    def to(self, labels: Any) -> Floats:
        """Labels on the scale."""
        values = np.asarray(labels, dtype=float)
        return np.log1p(values) if self.logarithmic else values

    def back(self, values: Floats) -> Floats:
        """Labels again, none below the least."""
        if self.logarithmic:
            values = np.expm1(np.minimum(values, LARGEST_LOG))
        return np.maximum(values, self.least)


class RegressionHead(TabularHead):
    """Predicts on its scale; `around` is by how much bounds are moved outwards.

    Without models of bounds these are that far from the value, below and above.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        scale: Scale,
        model: Any,
        bounds: tuple[Any, Any] | None,
        around: tuple[float, float],
    ) -> None:
        super().__init__(columns)
        self.scale = scale
        self.model = model
        self.bounds = bounds
        self.around = around

    def predict_frame(self, frame: Any) -> list[RegressionPrediction]:
        """One prediction a row."""
        value, low, high = (self.scale.back(one).tolist() for one in self._scaled(frame))
        return [RegressionPrediction(*one) for one in zip(value, low, high, strict=True)]

    def _scaled(self, frame: Any) -> tuple[Floats, Floats, Floats]:
        value = self.model.predict(frame)
        low, high = _bounds(value, self.bounds, frame)
        below, above = self.around
        return value, np.minimum(value, low - below), np.maximum(value, high + above)


class RegressionBatch(BatchTask):
    """The median by the least absolute error; bounds by quantiles, moved until they hold."""

    diagnostics = curves.DIAGNOSTICS
    parameters = PARAMETERS

    def check(self, project: Project, parts: Parts) -> None:
        """Any numbers will do."""

    def fit(
        self,
        project: Project,
        name: str,
        parts: Parts,
        progress: Progress,
        changed: Mapping[str, Any] | None = None,
    ) -> RegressionHead:
        columns = useful(parts.train)
        train, validation = parts.train.keep(columns), parts.validation.keep(columns)
        scale = Scale(project.task)
        labels = scale.to(train.labels)
        progress(0.0, f"training {name}")
        model = _pipeline(name, train, changed).fit(train.frame, labels)
        bounds = None
        if name == BOOSTING:
            models = []
            for number, tail in enumerate(TAILS):
                progress((1 + number) / 3, f"training {name}'s bounds")
                own = {**(changed or {}), "loss": "quantile", "quantile": tail}
                models.append(_pipeline(name, train, own).fit(train.frame, labels))
            bounds = models[0], models[1]
        progress(0.9, f"calibrating {name}")
        around = _around(model, bounds, validation, scale.to(validation.labels))
        return RegressionHead(columns, scale, model, bounds, around)

    def more(self, subject: Subject) -> dict[str, float]:
        """Errors in other measures."""
        labels = subject.test.labels.astype(float)
        said = np.array([one.value for one in subject.predictions])
        found = {
            "MedianAE": metrics.median_absolute_error(labels, said),
            "MaxError": metrics.max_error(labels, said),
            "ExplainedVariance": metrics.explained_variance_score(labels, said),
            "D2AbsoluteError": metrics.d2_absolute_error_score(labels, said),
            "MeanError": np.mean(said - labels),
        }
        if min(labels.min(), said.min()) > 0:
            found["D2Tweedie"] = metrics.d2_tweedie_score(labels, said, power=1.5)
        for tail, name in zip(TAILS, ("lower", "upper"), strict=True):
            bound = np.array([getattr(one, name) for one in subject.predictions])
            found[f"Pinball_{name}"] = metrics.mean_pinball_loss(labels, bound, alpha=tail)
        return {name: float(value) for name, value in found.items()}

    def notes(self, head: RegressionHead) -> Json:
        """The scale."""
        return {"logarithmic": head.scale.logarithmic, "coverage_wanted": COVERAGE}

    def response(self, head: RegressionHead, frame: Any) -> dict[str, Floats]:
        """The value."""
        return {"value": head.scale.back(head.model.predict(frame))}


def boosting(table: Table, changed: Mapping[str, Any] | None = None) -> Pipeline:
    """Make untrained boosted trees for the median of a number."""
    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=0.1,
        max_iter=150,
        max_leaf_nodes=31,
        min_samples_leaf=40,
        l2_regularization=1.0,
        categorical_features=coded(table) or None,
        early_stopping=False,
        random_state=SEED,
    )
    model.set_params(**(changed or {}))
    return Pipeline([("inputs", for_trees(table, "continuous")), ("model", model)])


def _pipeline(name: str, table: Table, changed: Mapping[str, Any] | None) -> Pipeline:
    if name == BOOSTING:
        return boosting(table, changed)
    model = Ridge(alpha=1.0).set_params(**(changed or {}))
    return Pipeline([("inputs", for_lines(table, "continuous")), ("model", model)])


def _bounds(value: Floats, models: tuple[Any, Any] | None, frame: Any) -> tuple[Floats, Floats]:
    if models is None:
        return value, value
    return models[0].predict(frame), models[1].predict(frame)


def _around(
    model: Any, models: tuple[Any, Any] | None, validation: Table, labels: Floats
) -> tuple[float, float]:
    """By how much bounds have to be moved so that each lets as many pass as it is to.

    Romano, Patterson and Candès (2019), "Conformalized quantile regression", each tail by itself.
    """
    value = model.predict(validation.frame)
    low, high = _bounds(value, models, validation.frame)
    return float(np.quantile(low - labels, TAILS[1])), float(np.quantile(labels - high, TAILS[1]))
