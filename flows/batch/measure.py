"""The measure in which clusters are compared: the learner's own, as a step of a pipeline."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from flows.batch.table import Floats, Table
from flows.learning.models.cluster_scale import Scale
from flows.projects.spec import Project

SKEWED = 10.0
"""What is never negative, and so many times its median at most, is compared by ratio."""


class Measure(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Standard deviations of numbers, of their logarithms or of their angles."""

    def __init__(self, logarithms: tuple[str, ...] = (), shares: tuple[str, ...] = ()) -> None:
        self.logarithms = logarithms
        self.shares = shares

    def fit(self, frame: pd.DataFrame, _labels: Any = None) -> Self:
        """Learn means and spreads."""
        self.scale_ = Scale(self.logarithms, self.shares)
        self.scale_.fit(frame.columns, frame.to_numpy(dtype=float))
        return self

    def transform(self, frame: pd.DataFrame) -> Floats:
        """Scale; what is missing is at the mean."""
        return self.scale_.all(frame.to_numpy(dtype=float))

    def __sklearn_is_fitted__(self) -> bool:
        """Tell scikit-learn."""
        return hasattr(self, "scale_")


def measure_of(project: Project, table: Table) -> Measure:
    """The measure of the project's own model; where that has none, by how numbers are spread."""
    model = project.model()
    logarithms, shares = getattr(model, "logarithms", None), getattr(model, "shares", None)
    if logarithms is None and shares is None:
        return Measure(tuple(name for name in table.numbers if _skewed(table, name)))
    return Measure(tuple(logarithms or ()), tuple(shares or ()))


def things_of(project: Project, table: Table) -> Table:
    """The last row of each thing, as the project's own model tells things apart."""
    key = getattr(project.model(), "key", None)
    if key is None or key not in table.frame:
        return table
    last = ~table.frame[key].duplicated(keep="last").to_numpy()
    return table.take(last)


def _skewed(table: Table, name: str) -> bool:
    values = table.frame[name].dropna().to_numpy()
    return bool(
        len(values)
        and values.min() >= 0
        and values.max() > SKEWED * max(np.median(values), 1e-9)
        and values.max() > 1
    )
