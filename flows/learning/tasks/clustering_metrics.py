"""The metrics of clustering: how well a prediction's cluster fits it, by distances alone."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from flows.learning.tasks.clustering_prediction import ClusterPrediction

ROLLING_WINDOW = 1_000
PERIOD_SECONDS = 300.0
MOST_IN_PERIOD = 10_000
MOST_CLUSTERS = 100


class ClusteringMetrics:
    """Test-then-train metrics of a clusterer; no label is ever needed.

    `Silhouette` is the mean of (b - a) / max(a, b), in [-1, 1], larger is better: a is the distance
    to the own centre and b to the nearest other one, which stand for the mean distances to members
    (Rousseeuw 1987; "simplified", Hruschka et al. 2004). `RiverSilhouette` is what River calls so:
    the sum of a over the sum of distances to the second farthest centre; smaller is better.
    """

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0
        self._own = 0.0
        self._other = 0.0
        self._recent: deque[float] = deque(maxlen=ROLLING_WINDOW)
        self._recent_sum = 0.0
        self._period: deque[tuple[float, float]] = deque()
        self._period_sum = 0.0
        self._clusters = 0
        self._micro_clusters = 0
        self._counts: Counter[int] = Counter()
        self._names: dict[int, str] = {}

    def update(self, _: None, prediction: ClusterPrediction, time: float = 0.0) -> None:
        """Count one prediction made at `time`, in seconds; there is no label."""
        self._clusters = prediction.clusters
        self._micro_clusters = prediction.micro_clusters
        self._counts[prediction.cluster] += 1
        self._names[prediction.cluster] = prediction.name
        if len(self._counts) > MOST_CLUSTERS:
            self._forget_rarest(prediction.cluster)
        own, other, far = (
            prediction.distance,
            prediction.second_distance,
            prediction.second_farthest,
        )
        if other is None or far is None:
            return
        self._own += own
        self._other += far
        largest = max(own, other)
        self._add((other - own) / largest if largest else 0.0, time)

    def values(self) -> dict[str, float]:
        """Every metric by name; those that are not defined yet are left out."""
        values = {}
        if self._count:
            values["Silhouette"] = self._sum / self._count
            values["RollingSilhouette"] = self._recent_sum / len(self._recent)
            values["TimeRollingSilhouette"] = self._period_sum / len(self._period)
        if self._other:
            values["RiverSilhouette"] = self._own / self._other
        if self._counts:
            values["n_clusters"] = float(self._clusters)
            values["n_micro_clusters"] = float(self._micro_clusters)
        return values

    def report(self) -> dict[str, Any]:
        """How many predictions each cluster got, with the name it had last."""
        return {
            "cluster_counts": [
                {"cluster": cluster, "name": self._names[cluster], "count": count}
                for cluster, count in sorted(self._counts.items())
            ]
        }

    def _add(self, silhouette: float, time: float) -> None:
        self._sum += silhouette
        self._count += 1
        if len(self._recent) == ROLLING_WINDOW:
            self._recent_sum -= self._recent[0]
        self._recent.append(silhouette)
        self._recent_sum += silhouette
        period = self._period
        period.append((time, silhouette))
        self._period_sum += silhouette
        while period[0][0] <= time - PERIOD_SECONDS or len(period) > MOST_IN_PERIOD:
            self._period_sum -= period.popleft()[1]

    def _forget_rarest(self, newest: int) -> None:
        """Keep the report bounded when clusters come and go for ever."""
        rarest = min(self._counts.keys() - {newest}, key=lambda one: (self._counts[one], one))
        del self._counts[rarest], self._names[rarest]
