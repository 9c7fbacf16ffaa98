"""Clusters of things that go on changing, with identities that last while centres move."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from math import dist
from typing import Any

import numpy as np
from river import base

from flows.learning.models import cluster_portraits as portraits
from flows.learning.models.cluster_identity import matched, numbered
from flows.learning.models.cluster_scale import Scale
from flows.learning.models.cluster_search import Clustering, nearest, search
from flows.learning.models.latest_sample import Floats, LatestSample

FEWEST = 25
RENEWAL = 0.2
LONGEST_WAIT = 5
KEPT_AFTER_DRIFT = 0.4


class StableClusters(base.Clusterer):
    """Finds how many kinds of things there are, and which one something is.

    The newest description of each of the last things is kept. Whenever a fifth of them is new,
    those that are done are clustered anew: Ward's tree and k-means for every number of clusters,
    of which the one with the best mean silhouette is taken. A cluster keeps its number as long as
    it shares more members with what it was than any other does. Numbers are compared in standard
    deviations; categories only serve to describe. All is deterministic, bounded by `memory`.

    Parameters
    ----------
    key
        Name of the feature that says which thing is described; a newer description replaces the
        older one. None if each is of a thing of its own.
    logarithms
        Features that are compared by ratio: counts, times, prices.
    shares
        Features in [0, 1] that are shares of something; compared by their angle.
    words
        What to call features that are low and high, for the names of clusters.
    most
        The largest number of clusters.
    memory
        How many things are remembered.
    loyalty
        How much better the mean silhouette of another number of clusters must be.
    """

    def __init__(
        self,
        key: str | None = None,
        logarithms: Collection[str] | None = None,
        shares: Collection[str] | None = None,
        words: portraits.Words | None = None,
        most: int = 12,
        memory: int = 1000,
        loyalty: float = 0.01,
    ) -> None:
        self.key = key
        self.logarithms = logarithms
        self.shares = shares
        self.words = words
        self.most = most
        self.memory = memory
        self.loyalty = loyalty
        self._sample = LatestSample(memory, key)
        self._scale = Scale(logarithms or (), shares or ())
        self._ids: list[int] = []
        self._unused = 0
        self._centres = np.zeros((0, 0))
        self._places: list[tuple[float, ...]] = []
        self._traits: dict[int, tuple[portraits.Trait, ...]] = {}
        self.names: dict[int, str] = {}
        self._next_fit = FEWEST
        self._latest_fit = LONGEST_WAIT * memory

    @property
    def n_clusters(self) -> int:
        """How many clusters there are now."""
        return len(self._ids)

    @property
    def n_micro_clusters(self) -> int:
        """How many things the clusters are made of."""
        return len(self._sample)

    @property
    def centers(self) -> dict[int, dict[Hashable, float]]:
        """Centres by cluster, in the measure of `scaled_one`."""
        rows = zip(self._ids, self._centres.tolist(), strict=True)
        return {one: dict(zip(self._scale.names, row, strict=True)) for one, row in rows}

    def scaled_one(self, x: Mapping[Any, Any]) -> dict[Hashable, float]:
        """Numbers in standard deviations from the mean; 0 for one that is missing."""
        return dict(zip(self._scale.names, self._scaled(x), strict=True))

    def distances_one(self, x: Mapping[Any, Any]) -> dict[int, float]:
        """Distance to the centre of each cluster; empty before there are any."""
        if not self._ids:
            return {}
        point = self._scaled(x)
        return {one: dist(point, place) for one, place in zip(self._ids, self._places, strict=True)}

    def predict_one(self, x: Mapping[Any, Any]) -> int:
        """The nearest cluster; 0 before there are any."""
        distances = self.distances_one(x)
        return min(distances, key=lambda one: distances[one]) if distances else 0

    def explain_one(self, x: Mapping[Any, Any]) -> dict[Hashable, float]:
        """What speaks for the nearest cluster rather than the second nearest, by feature.

        In shares of the squared distance to the second: they add up to 1 at the centre of the
        nearest, to 0 half way between both.
        """
        if len(self._ids) < 2:
            return {}
        squares = (self._centres - self._scaled(x)) ** 2
        first, second = squares.sum(1).argsort(kind="stable")[:2]
        whole = squares[second].sum() or 1.0
        gains = ((squares[second] - squares[first]) / whole).tolist()
        return dict(zip(self._scale.names, gains, strict=True))

    def learn_one(self, x: Mapping[Any, Any]) -> None:
        """Keep the description, and cluster anew when enough have changed."""
        self._sample.keep(x)
        if self._sample.things >= self._next_fit or self._sample.arrived >= self._latest_fit:
            self._fit()

    def on_drift(self) -> None:
        """Forget the older things, and cluster anew with the next one."""
        self._sample.forget(int(KEPT_AFTER_DRIFT * self.memory))
        self._next_fit = 0

    def describe(self) -> dict[str, Any]:
        """Each cluster's size, name, place on a map and distributions, of the things kept."""
        if not self._ids:
            return {"clusters": []}
        settled = self._sample.settled
        table, categories = self._sample.numbers(settled), self._sample.categories(settled)
        points = self._scale.all(table[:, : len(self._scale.names)])
        members = nearest(points, self._centres)
        sizes = np.bincount(members, minlength=len(self._ids))
        places = portraits.flat_map(self._centres, np.maximum(sizes, 1.0))
        return {
            "clusters": [
                {
                    "cluster": one,
                    "name": self.names[one],
                    "size": int(sizes[place]),
                    "share": float(sizes[place] / len(points)),
                    "map": dict(zip("xy", places[place].tolist(), strict=True)),
                    "numbers": {
                        str(name): portraits.distribution(table[members == place, column])
                        for column, name in enumerate(self._scale.names)
                    },
                    "categories": portraits.shares(
                        [said for said, at in zip(categories, members, strict=True) if at == place]
                    ),
                }
                for place, one in enumerate(self._ids)
            ]
        }

    def _scaled(self, x: Mapping[Any, Any]) -> list[float]:
        return self._scale.one(self._sample.row(x))

    def _fit(self) -> None:
        sample = self._sample
        self._next_fit = sample.things + max(FEWEST, int(RENEWAL * len(sample)))
        self._latest_fit = sample.arrived + LONGEST_WAIT * self.memory
        table = sample.numbers(sample.settled)
        if not table.shape[1] or len(table) < 2:
            return
        straight = self._scale.straightened(self._centres) if self._ids else None
        self._scale.fit(sample.columns, table)
        points = self._scale.all(table)
        former = None if straight is None else self._scale.scaled(straight)
        found = search(points, self.most, former, self.loyalty)
        self._identify(points, found, former)
        self._name()

    def _identify(self, points: Floats, found: Clustering, former: Floats | None) -> None:
        """Give the clusters found the numbers of the former ones that they go on with."""
        matches: list[int | None] = [None] * len(found.centres)
        if former is not None:
            before = nearest(points, former)
            matches = matched(before, found.members, len(former), len(matches))
        ids = numbered(matches, self._ids, self._unused)
        self._unused = max(self._unused, max(ids) + 1)
        self._ids, self._centres = ids, found.centres
        self._places = [tuple(place) for place in found.centres.tolist()]

    def _name(self) -> None:
        names = [name for name in self._scale.names if not self.words or str(name) in self.words]
        chosen: dict[int, tuple[portraits.Trait, ...]] = {}
        for one, centre in self.centers.items():
            said = {name: centre[name] for name in names}
            chosen[one] = portraits.traits(said, self._traits.get(one, ()), chosen.values())
        self._traits = chosen
        words = self.words or {}
        self.names = {one: portraits.in_words(said, words) for one, said in chosen.items()}
