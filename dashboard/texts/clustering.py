"""Metrics of clusters, which need no labels."""

from __future__ import annotations

from dashboard.texts.metric import Metric

CLUSTERING = {
    "Silhouette": Metric(
        "Silhouette",
        "How much nearer the own cluster is than the next.",
        "mean (b - a) / max(a, b); a: distance to the own centre, b: to the next",
        "-1 to 1; above 0.5 clusters are clear, below 0.2 they blur.",
    ),
    "RollingSilhouette": Metric(
        "Rolling silhouette",
        "Silhouette of the newest events only.",
        "silhouette of the last 1 000 events",
        "-1 to 1; falls before the silhouette does when the stream drifts.",
    ),
    "TimeRollingSilhouette": Metric(
        "Silhouette of five minutes",
        "Silhouette of the newest five minutes of event time.",
        "silhouette of the last 300 s",
        "-1 to 1; jumps about where events are few.",
    ),
    "RiverSilhouette": Metric(
        "River's silhouette",
        "What River calls so: closeness to the own centre.",
        "sum of a / sum of distances to the second farthest centre",
        "0 is perfect; below 0.5 is good.",
    ),
    "n_clusters": Metric(
        "Clusters",
        "How many kinds there are now.",
        "number of clusters",
        "Neither good nor bad; one that comes or goes is news.",
        "count",
    ),
    "n_micro_clusters": Metric(
        "Micro-clusters",
        "What the clusters are made of.",
        "number of samples or micro-clusters kept",
        "Bounded by the model; too few make clusters coarse.",
        "count",
    ),
}
