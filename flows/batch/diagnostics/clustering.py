"""What shows how well clusters are told apart, on the test part's things."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from sklearn import metrics

from flows.batch.diagnostics.inputs import feature_correlations
from flows.batch.diagnostics.projection import pca
from flows.batch.diagnostics.thin import places, told
from flows.batch.measure import things_of
from flows.batch.table import Floats
from flows.batch.task import Diagnostic, Json, Subject
from flows.learning.models.cluster_portraits import flat_map

THINGS = 1_500
POINTS = 100


def silhouette(subject: Subject) -> Json:
    """The silhouettes of each cluster's members, highest first, and their mean."""
    points, members = sample(subject)
    names = subject.head.names
    if not 1 < len(set(members.tolist())) < len(points):
        return {"clusters": [], "mean": None}
    found = metrics.silhouette_samples(points, members)
    clusters = []
    for number, name in enumerate(names):
        own = np.sort(found[members == number])[::-1]
        if len(own):
            shown = told(own[places(len(own), POINTS)])
            clusters.append({"name": name, "size": len(own), "silhouette": shown})
    return {"clusters": clusters, "mean": float(found.mean())}


def elbow(subject: Subject) -> Json:
    """What was tried: inertia and silhouette, or the share outside of all clusters, by number."""
    search = subject.head.search
    return {
        "clusters": [one["clusters"] for one in search],
        "silhouette": [one["silhouette"] for one in search],
        **{
            name: [one[name] for one in search]
            for name in ("inertia", "smallest", "outside")
            if name in search[0]
        },
        "chosen": len(subject.head.centres),
    }


def cluster_distances(subject: Subject) -> Json:
    """Distances between centres, and the centres on a plane, as large as they have members."""
    head = subject.head
    _, members = sample(subject)
    sizes = np.bincount(members, minlength=len(head.centres))
    plane = flat_map(head.centres, np.maximum(sizes, 1.0))
    between = metrics.pairwise_distances(head.centres)
    return {
        "names": head.names,
        "matrix": [told(row) for row in between],
        "x": told(plane[:, 0]),
        "y": told(plane[:, 1]) if plane.shape[1] > 1 else [0.0] * len(plane),
        "size": sizes.tolist(),
    }


def cluster_sizes(subject: Subject) -> Json:
    """How many things of each cluster there are in each part."""
    head, parts = subject.head, subject.parts
    counted = {}
    for name, part in (
        ("train", parts.train),
        ("validation", parts.validation),
        ("test", parts.test),
    ):
        things = things_of(subject.project, part)
        members = head.distances(things.keep(head.columns).frame).argmin(1)
        counts = Counter(members.tolist())
        counted[name] = [counts[number] for number in range(len(head.names))]
    return {"classes": head.names, **counted}


def feature_ranks(subject: Subject) -> Json:
    """The part of each input's variance that is between clusters, most telling first."""
    points, members = sample(subject)
    names = [one.name for one in subject.head.columns]
    whole = ((points - points.mean(0)) ** 2).sum(0)
    within = np.zeros(points.shape[1])
    for number in set(members.tolist()):
        own = points[members == number]
        within += ((own - own.mean(0)) ** 2).sum(0)
    share = 1 - within / np.where(whole > 0, whole, np.inf)
    share = np.where(whole > 0, share, 0.0)
    order = np.argsort(-share, kind="stable")
    return {
        "columns": [names[place] for place in order],
        "score": told(share[order]),
        "measure": "share of variance between clusters",
    }


def projection_pca(subject: Subject) -> Json:
    """Things on the plane on which they are spread most."""
    points, members = sample(subject)
    return pca(points, [subject.head.names[one] for one in members])


DIAGNOSTICS: dict[str, Diagnostic] = {
    "silhouette": silhouette,
    "elbow": elbow,
    "cluster_distances": cluster_distances,
    "cluster_sizes": cluster_sizes,
    "feature_correlations": feature_correlations,
    "feature_ranks": feature_ranks,
    "projection_pca": projection_pca,
}


def sample(subject: Subject) -> tuple[Floats, Any]:
    """Some things of the test part in the measure, and their clusters."""
    things = things_of(subject.project, subject.test)
    frame = things.take(places(len(things), THINGS)).keep(subject.head.columns).frame
    return subject.head.place(frame), subject.head.distances(frame).argmin(1)
