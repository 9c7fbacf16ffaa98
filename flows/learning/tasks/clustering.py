"""Clustering: which kind of thing is it? Nobody ever knows, so there are no labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import dist, inf
from typing import Any

from river.compose import Pipeline

from flows.errors import EventError
from flows.learning.task import Task
from flows.learning.tasks.clustering_metrics import ClusteringMetrics
from flows.learning.tasks.clustering_prediction import ClusterPrediction


@dataclass(frozen=True, slots=True)
class Clustering(Task):
    """Works with every clusterer that shows its `centers`, alone or at the end of a pipeline.

    One that has `distances_one` and `names` says better than we can how far centres are and what
    they are called.
    """

    @property
    def name(self) -> str:
        return "clustering"

    @property
    def label(self) -> type[float]:
        return float

    @property
    def prediction(self) -> type[ClusterPrediction]:
        return ClusterPrediction

    def predict(self, model: Any, features: dict[str, Any]) -> ClusterPrediction | None:
        clusterer, x = _last_step(model, features)
        distances = _distances(clusterer, x)
        if not distances:
            return None
        ranked = sorted(distances.values())
        cluster = min(distances, key=distances.__getitem__)
        return ClusterPrediction(
            cluster,
            getattr(clusterer, "names", {}).get(cluster) or f"cluster {cluster}",
            ranked[0],
            ranked[1] if ranked[1:] else None,
            ranked[-2] if ranked[1:] else None,
            len(distances),
            _micro_clusters(clusterer),
        )

    def learn(self, model: Any, features: dict[str, Any], label: None) -> None:  # noqa: ARG002
        model.learn_one(features)

    def error(self, label: None, prediction: ClusterPrediction) -> float:  # noqa: ARG002
        """How far it is to the own centre, as a part of the distance to the next one."""
        return prediction.distance / (prediction.second_distance or inf)

    def maximize(self, metric: str) -> bool:
        """River's silhouette is the smaller the better; the textbook's the larger."""
        return metric != "RiverSilhouette"

    def metrics(self) -> ClusteringMetrics:
        return ClusteringMetrics()

    def check_label(self, label: Any) -> None:
        if label is not None:
            raise EventError(f"label {label!r}: clusters have no labels; send none")


def _last_step(model: Any, x: dict[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """The clusterer itself and what it is shown, after all steps of a pipeline before it."""
    if hasattr(model, "distances_one") or not isinstance(model, Pipeline):
        return model, x
    *transformers, clusterer = model.steps.values()
    for transformer in transformers:
        x = transformer.transform_one(x)
    return clusterer, x


def _distances(clusterer: Any, x: Mapping[Any, Any]) -> dict[int, float]:
    if hasattr(clusterer, "distances_one"):
        found: dict[int, float] = clusterer.distances_one(x)
        return found
    centers: Mapping[int, Mapping[Any, float]] = clusterer.centers
    return {
        number: dist([center.get(name, 0.0) for name in x], list(x.values()))
        for number, center in centers.items()
        if center
    }


def _micro_clusters(clusterer: Any) -> int:
    number = getattr(clusterer, "n_micro_clusters", None)
    if number is None:
        number = len(getattr(clusterer, "micro_clusters", ()))
    return int(number)
