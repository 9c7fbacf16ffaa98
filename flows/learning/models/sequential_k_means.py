"""The clusterer that every other one is measured by: k-means, one description at a time."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from math import dist
from typing import Any

import numpy as np
from river import base

from flows.learning.models.cluster_scale import Scale
from flows.learning.models.latest_sample import MOST_COLUMNS, Floats, Row, clean, is_number, row

FIRST = 100
BATCH = 500
SLOWEST = 0.002

Point = list[float]


class SequentialKMeans(base.Clusterer):
    """Moves the nearest of `n_clusters` centres a little towards each description.

    The first hundred descriptions have the first centres, each as far from the others as there is.
    Numbers, those of the first description, are measured as `StableClusters` measures them, by a
    scale that is renewed with every five hundredth; `logarithms` are compared by ratio, `shares` by
    angle. MacQueen (1967), "Some methods for classification and analysis of multivariate
    observations".
    """

    def __init__(
        self,
        n_clusters: int = 4,
        logarithms: Collection[str] | None = None,
        shares: Collection[str] | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.logarithms = logarithms
        self.shares = shares
        self._columns: list[Hashable] = []
        self._scale = Scale(logarithms or (), shares or ())
        self._batch: list[Row] = []
        self._centres: list[Point] = []
        self._counts: list[int] = []
        self._measured: tuple[Mapping[Any, Any], Point] | None = None

    @property
    def n_micro_clusters(self) -> int:
        """As many as clusters."""
        return len(self._centres)

    @property
    def centers(self) -> dict[int, dict[Hashable, float]]:
        """Centres by cluster, in the scale's measure."""
        rows = enumerate(self._centres)
        return {number: dict(zip(self._columns, place, strict=True)) for number, place in rows}

    def distances_one(self, x: Mapping[Any, Any]) -> dict[int, float]:
        """Distance to each centre; empty before there are any."""
        if not self._centres:
            return {}
        point = self._scale.one(row(x, self._columns))
        self._measured = dict(x), point
        return {number: dist(point, centre) for number, centre in enumerate(self._centres)}

    def predict_one(self, x: Mapping[Any, Any]) -> int:
        """The nearest cluster; 0 before there are any."""
        distances = self.distances_one(x)
        return min(distances, key=distances.__getitem__) if distances else 0

    def learn_one(self, x: Mapping[Any, Any]) -> None:
        """Move the centre that is nearest."""
        if not self._columns:
            self._columns = [name for name, value in x.items() if is_number(value)][:MOST_COLUMNS]
        self._batch.append(row(x, self._columns))
        if self._centres:
            self._move(x)
        if len(self._batch) >= (BATCH if self._centres else FIRST):
            self._renew()

    def __getstate__(self) -> dict[str, Any]:
        """What was measured last only spares measuring it again when it is learnt."""
        return {**self.__dict__, "_measured": None}

    def _move(self, x: Mapping[Any, Any]) -> None:
        measured, self._measured = self._measured, None
        if measured is not None and measured[0] == x:
            point = measured[1]
        else:
            point = self._scale.one(self._batch[-1])
        away = [dist(point, centre) for centre in self._centres]
        one = away.index(min(away))
        self._counts[one] += 1
        rate = max(SLOWEST, 1 / self._counts[one])
        self._centres[one] = [
            at + rate * (value - at) for at, value in zip(self._centres[one], point, strict=True)
        ]

    def _renew(self) -> None:
        """Measure by the newest batch, in which the first centres are found."""
        table = np.array([clean(one) for one in self._batch])
        self._batch, self._measured = [], None
        if not table.shape[1]:
            return
        if not self._centres:
            self._scale.fit(self._columns, table)
            self._centres = _far_apart(self._scale.all(table), self.n_clusters)
            self._counts = [1] * len(self._centres)
            return
        straight = self._scale.straightened(np.array(self._centres))
        self._scale.fit(self._columns, table)
        self._centres = self._scale.scaled(straight).tolist()


def _far_apart(points: Floats, number: int) -> list[Point]:
    """The point nearest to the mean, then whichever is farthest from those."""
    chosen = [int(((points - points.mean(0)) ** 2).sum(1).argmin())]
    nearest = np.full(len(points), np.inf)
    for _ in range(number - 1):
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(1))
        chosen.append(int(nearest.argmax()))
    centres: list[Point] = points[chosen].tolist()
    return centres
