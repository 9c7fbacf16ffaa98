"""Which clusters are there, and how many? Ward's tree begins, k-means ends, silhouettes decide."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from flows.learning.models.latest_sample import Floats

Members = NDArray[np.intp]

TREE_POINTS = 300
ROUNDS = 12
SMALLEST_SHARE = 0.02
FEWEST_MEMBERS = 5


@dataclass(frozen=True, slots=True)
class Clustering:
    """Centres (clusters, columns), the members of each by point, and their mean silhouette."""

    centres: Floats
    members: Members
    silhouette: float


def search(points: Floats, most: int, former: Floats | None, loyalty: float) -> Clustering:
    """Cluster points into 2 to `most` clusters, as many as have the best mean silhouette.

    The number of `former` centres has a head start of `loyalty`, in silhouette.
    """
    found = [_settled(points, centres) for centres in _beginnings(points, most, former)]
    wanted = 0 if former is None else len(former)
    return max(found, key=lambda one: one.silhouette + loyalty * (len(one.centres) == wanted))


def squared_distances(points: Floats, centres: Floats) -> Floats:
    """Squared distance of every point to every centre: (points, centres)."""
    lengths = (points**2).sum(1)[:, None] + (centres**2).sum(1)
    squares: Floats = np.maximum(lengths - 2 * points @ centres.T, 0.0)
    return squares


def nearest(points: Floats, centres: Floats) -> Members:
    """The centre that is nearest to each point."""
    # What is the same for all centres, the length of the point itself, decides nothing.
    places: Members = ((centres**2).sum(1) - 2 * points @ centres.T).argmin(1)
    return places


def _beginnings(points: Floats, most: int, former: Floats | None) -> list[Floats]:
    """First guesses: the former centres, and cuts through the tree of some of the points."""
    step = max(1, len(points) // TREE_POINTS)
    some = points[len(points) % step :: step]
    guesses = [] if former is None or len(former) < 2 else [former]
    largest = max(2, min(most, int(sqrt(len(points) / 2))))
    return guesses + _cuts(some, linkage(some, "ward"), largest)


def _cuts(points: Floats, tree: Floats, largest: int) -> list[Floats]:
    """Means of the branches that a tree has when it is cut into 2, 3, … `largest` of them."""
    count = len(points)
    sums = np.concatenate([points, np.zeros((count - 1, points.shape[1]))])
    sizes = np.concatenate([np.ones(count), tree[:, 3]])
    parents = np.full(len(sums), len(sums))
    for joined, (one, other) in enumerate(tree[:, :2].astype(np.intp).tolist(), count):
        sums[joined] = sums[one] + sums[other]
        parents[one] = parents[other] = joined
    means = sums / sizes[:, None]
    cuts = []
    for number in range(2, min(largest, count) + 1):
        made = len(sums) - number + 1
        cuts.append(means[:made][parents[:made] >= made])
    return cuts


def _settled(points: Floats, centres: Floats) -> Clustering:
    """Let centres settle among the points, and give up those that hold too few.

    What then still has too small a cluster is the last that should be chosen.
    """
    least = max(SMALLEST_SHARE * len(points), FEWEST_MEMBERS)
    members = _move(points, centres)
    large = np.bincount(members, minlength=len(centres)) >= least
    if not large.all() and large.sum() >= 2:
        centres = centres[large]
        members = _move(points, centres)
        large = np.bincount(members, minlength=len(centres)) >= least
    silhouette = _silhouette(squared_distances(points, centres)) if large.all() else -1.0
    return Clustering(centres, members, silhouette)


def _move(points: Floats, centres: Floats) -> Members:
    """Move centres, in place, to the means of their members until nobody changes sides."""
    members = nearest(points, centres)
    for _ in range(ROUNDS):
        sides = np.zeros((len(centres), len(points)))
        sides[members, np.arange(len(points))] = 1.0
        sizes = sides.sum(1)
        filled = sizes > 0
        centres[filled] = (sides @ points)[filled] / sizes[filled, None]
        moved = nearest(points, centres)
        if (moved == members).all():
            break
        members = moved
    return members


def _silhouette(squared: Floats) -> float:
    """Mean simplified silhouette: distances to centres stand for those to members."""
    if squared.shape[1] < 2:
        return -1.0
    own, other = np.sqrt(np.partition(squared, 1, axis=1)[:, :2]).T
    return float(np.mean(np.where(other > 0, (other - own) / np.maximum(other, 1e-300), 0.0)))
