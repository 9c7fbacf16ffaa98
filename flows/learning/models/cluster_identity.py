"""Which of the new clusters is which of the former ones: whoever shares most members."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.learning.models.cluster_search import Members

LEAST_SHARED = 0.15


def matched(former: Members, new: Members, former_count: int, new_count: int) -> list[int | None]:
    """For every new cluster the former one that it goes on with, at most one each; None for none.

    `former` and `new` say of the same points which cluster each is in. Pairs are made in the order
    of shared members by all members of both, so a cluster that splits goes on as its larger part,
    and of two that merge the larger one goes on.
    """
    shared = np.zeros((new_count, former_count))
    np.add.at(shared, (new, former), 1.0)
    union = shared.sum(1)[:, None] + shared.sum(0) - shared
    likeness = shared / np.maximum(union, 1.0)
    matches: list[int | None] = [None] * new_count
    for place in np.argsort(-likeness, axis=None, kind="stable").tolist():
        one, other = divmod(place, former_count)
        if likeness[one, other] < LEAST_SHARED:
            break
        if matches[one] is None and other not in matches:
            matches[one] = other
    return matches


def numbered(matches: Sequence[int | None], former: Sequence[int], unused: int) -> list[int]:
    """Ids of the new clusters: those of their matches, else numbers from `unused` on."""
    ids = []
    for match in matches:
        if match is None:
            ids.append(unused)
            unused += 1
        else:
            ids.append(former[match])
    return ids
