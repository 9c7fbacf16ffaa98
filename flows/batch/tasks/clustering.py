"""Clustering at once: how many kinds there are, and which one something is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.pipeline import Pipeline

from flows.batch.diagnostics import clustering as curves
from flows.batch.diagnostics.thin import places
from flows.batch.measure import measure_of, things_of
from flows.batch.offered import K_MEANS
from flows.batch.order import Progress
from flows.batch.preparing import SEED, useful
from flows.batch.table import Column, Floats, Parts, Table
from flows.batch.task import BatchTask, Json, Subject, TabularHead
from flows.errors import ProjectError
from flows.learning.models import cluster_portraits as portraits
from flows.learning.tasks.clustering_prediction import ClusterPrediction
from flows.projects.spec import Project

CLUSTERS = tuple(range(2, 13))
SMALLEST_SHARES = (0.01, 0.02, 0.04, 0.08)
JUDGED = 2_000
MOST_THINGS = 5_000
"""More are thinned evenly over time: HDBSCAN compares each with each."""
PARAMETERS: dict[str, tuple[str, Sequence[Any]]] = {K_MEANS: ("n_clusters", CLUSTERS)}


class ClusterHead(TabularHead):
    """Says which centre is nearest, in the measure; `search` is what was tried, and how good."""

    def __init__(
        self, columns: Sequence[Column], inputs: Any, centres: Floats, search: list[Json]
    ) -> None:
        super().__init__(columns)
        self.inputs = inputs
        self.centres = centres
        self.search = search
        self.names: list[str] = []

    def place(self, frame: Any) -> Floats:
        """Rows in the measure."""
        found: Floats = self.inputs.transform(frame)
        return found

    def distances(self, frame: Any) -> Floats:
        """From each row to each centre."""
        found: Floats = metrics.pairwise_distances(self.place(frame), self.centres)
        return found

    def predict_frame(self, frame: Any) -> list[ClusterPrediction]:
        """One prediction a row."""
        count, found = len(self.centres), self.distances(frame)
        members, ranked = found.argmin(1).tolist(), np.sort(found, axis=1)
        second = ranked[:, 1].tolist() if count > 1 else [None] * len(found)
        farthest = ranked[:, -2].tolist() if count > 1 else [None] * len(found)
        return [
            ClusterPrediction(own, self.names[own], near, next_one, far, count, count)
            for own, near, next_one, far in zip(
                members, ranked[:, 0].tolist(), second, farthest, strict=True
            )
        ]


class ClusteringBatch(BatchTask):
    """Numbers in the learner's own measure; the number of clusters with the best silhouette."""

    diagnostics = curves.DIAGNOSTICS
    parameters = PARAMETERS

    def check(self, project: Project, parts: Parts) -> None:
        """Something must vary. Raises ProjectError."""
        if not any(not one.category for one in useful(parts.train)):
            raise ProjectError(f"{project.slug}: no input is a number that varies; take more rows")

    def fit(
        self,
        project: Project,
        name: str,
        parts: Parts,
        progress: Progress,
        changed: Mapping[str, Any] | None = None,
    ) -> ClusterHead:
        things = things_of(project, parts.train)
        things = things.take(places(len(things), MOST_THINGS))
        columns = [one for one in useful(things) if not one.category]
        things = things.keep(columns)
        inputs = Pipeline([("measure", measure_of(project, things))]).fit(things.frame)
        points = inputs.transform(things.frame)
        find = _k_means if name == K_MEANS else _hdbscan
        centres, search = find(points, progress, (changed or {}).get("n_clusters"))
        head = ClusterHead(columns, inputs, centres, search)
        head.names = _names(project, things, centres)
        return head

    def more(self, subject: Subject) -> dict[str, float]:
        """How well things of the test part are told apart, by all their distances."""
        things = things_of(subject.project, subject.test)
        points, members = members_of(subject.head, things)
        found = {"n_things": float(len(things))}
        if 1 < len(set(members.tolist())) < len(points):
            found |= {
                "FullSilhouette": _silhouette(points, members),
                "CalinskiHarabasz": float(metrics.calinski_harabasz_score(points, members)),
                "DaviesBouldin": float(metrics.davies_bouldin_score(points, members)),
            }
        inertia = ((points - subject.head.centres[members]) ** 2).sum(1)
        return {**found, "Inertia": float(inertia.sum()), "InertiaPerThing": float(inertia.mean())}

    def notes(self, head: ClusterHead) -> Json:
        """The clusters, and what else was tried."""
        return {"clusters": len(head.centres), "names": head.names, "search": head.search}

    def response(self, head: ClusterHead, frame: Any) -> dict[str, Floats]:
        """How far each centre is."""
        found = head.distances(frame)
        return {name: found[:, place] for place, name in enumerate(head.names)}


def members_of(head: ClusterHead, things: Table) -> tuple[Floats, Any]:
    """Things in the measure, and their clusters."""
    frame = things.keep(head.columns).frame
    return head.place(frame), head.distances(frame).argmin(1)


def _k_means(points: Floats, progress: Progress, wanted: int | None) -> tuple[Floats, list[Json]]:
    counts = [count for count in CLUSTERS if count < len(points)] if wanted is None else [wanted]
    tried: list[tuple[float, Any]] = []
    search: list[Json] = []
    for number, count in enumerate(counts):
        progress(number / len(counts), f"training {count} clusters")
        model = KMeans(count, n_init=5, random_state=SEED).fit(points)
        score = _silhouette(points, model.labels_)
        tried.append((score, model.cluster_centers_))
        search.append({"clusters": count, "inertia": float(model.inertia_), "silhouette": score})
    return max(tried, key=lambda one: one[0])[1], search


def _hdbscan(points: Floats, progress: Progress, _wanted: int | None) -> tuple[Floats, list[Json]]:
    """Dense regions of the best of several smallest sizes; what is in none counts for nothing."""
    tried: list[tuple[float, Any]] = [(-np.inf, points.mean(0, keepdims=True))]
    search: list[Json] = []
    for number, share in enumerate(SMALLEST_SHARES):
        size = max(5, round(share * len(points)))
        progress(number / len(SMALLEST_SHARES), f"training clusters of {size} and more")
        model = HDBSCAN(min_cluster_size=size, store_centers="centroid", copy=True).fit(points)
        inside = model.labels_ >= 0
        centres = model.centroids_
        score = _silhouette(points[inside], model.labels_[inside]) if len(centres) > 1 else None
        search.append(
            {
                "smallest": size,
                "clusters": len(centres),
                "outside": float(1 - inside.mean()),
                "silhouette": score,
            }
        )
        if score is not None:
            tried.append((score, centres))
    return max(tried, key=lambda one: one[0])[1], search


def _silhouette(points: Floats, members: Any) -> float:
    """The mean silhouette of some of the points; -1 where they are all in one cluster."""
    chosen = places(len(points), JUDGED)
    if not 1 < len(set(members[chosen].tolist())) < len(chosen):
        return -1.0
    return float(metrics.silhouette_score(points[chosen], members[chosen]))


def _names(project: Project, things: Table, centres: Floats) -> list[str]:
    """What tells each cluster from the rest, in the project's own words."""
    words = getattr(project.model(), "words", None) or {}
    taken: list[tuple[portraits.Trait, ...]] = []
    for centre in centres.tolist():
        said = dict(zip((one.name for one in things.columns), centre, strict=True))
        known: dict[Any, float] = {
            name: value for name, value in said.items() if not words or name in words
        }
        taken.append(portraits.traits(known, (), taken))
    return [portraits.in_words(one, words) for one in taken]
