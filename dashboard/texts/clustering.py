"""Metrics of clusters, which need no labels."""

from __future__ import annotations

from dashboard.texts.metric import NEWEST, Metric

EVENTS = "the flow's own sums, of every event so far"
STATE = "the model itself, as it is now"

CLUSTERING = {
    "Silhouette": Metric(
        "Silhouette",
        "How much nearer the own cluster is than the next.",
        "mean (b - a) / max(a, b); a: distance to the own centre, b: to the next",
        "-1 to 1; above 0.5 is good: clusters are clear; below 0.2 poor: they blur.",
        source=EVENTS,
    ),
    "RollingSilhouette": Metric(
        "Rolling silhouette",
        "Silhouette of the newest events only.",
        "silhouette of the last 1 000 events",
        "-1 to 1; above 0.5 is good, below 0.2 poor; falls first when the stream drifts.",
        source=NEWEST,
    ),
    "TimeRollingSilhouette": Metric(
        "Silhouette of five minutes",
        "Silhouette of the newest five minutes of event time.",
        "silhouette of the last 300 s",
        "-1 to 1; above 0.5 is good, below 0.2 poor; jumps about where events are few.",
        source=NEWEST,
    ),
    "RiverSilhouette": Metric(
        "River's silhouette",
        "What River calls so: closeness to the own centre.",
        "sum of a / sum of distances to the second farthest centre",
        "0 is perfect; below 0.5 is good, near 1 poor.",
        source=EVENTS,
    ),
    "n_clusters": Metric(
        "Clusters",
        "How many kinds there are now.",
        "number of clusters",
        "Neither good nor bad; one that comes or goes is news.",
        "count",
        source=STATE,
    ),
    "n_micro_clusters": Metric(
        "Micro-clusters",
        "What the clusters are made of.",
        "number of samples or micro-clusters kept",
        "Neither good nor bad by itself; bounded by the model, too few make clusters coarse.",
        "count",
        source=STATE,
    ),
}
