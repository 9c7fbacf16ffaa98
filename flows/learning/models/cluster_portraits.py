"""What a cluster is like, in words, in figures and on a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from flows.learning.models.latest_sample import Floats

Trait = tuple[Hashable, bool]
"""A feature that is much higher, True, or lower than usual."""

Words = Mapping[str, tuple[str, str]]
"""What to call a feature that is low, and one that is high."""

CLEAR = 0.7
FADED = 0.4
MOST_TRAITS = 3
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
TOP_CATEGORIES = 5


def traits(
    centre: Mapping[Hashable, float], former: Sequence[Trait], taken: Iterable[Sequence[Trait]]
) -> tuple[Trait, ...]:
    """What tells a cluster from the rest: where its centre is far from the mean, farthest first.

    `centre` is in standard deviations. The `former` traits stay while they still hold, so that a
    name lasts; what is `taken` by another cluster is told apart by one trait more.
    """
    others = [set(one) for one in taken]
    if former and set(former) not in others and all(_holds(centre, one) for one in former):
        return tuple(former)
    order = sorted(centre, key=lambda name: (-abs(centre[name]), str(name)))
    clear = [name for name in order if abs(centre[name]) >= CLEAR] or order[:1]
    chosen = [(name, centre[name] > 0) for name in clear[:MOST_TRAITS]]
    for name in order:
        if set(chosen) not in others:
            break
        if (name, centre[name] > 0) not in chosen:
            chosen.append((name, centre[name] > 0))
    return tuple(chosen)


def in_words(chosen: Sequence[Trait], words: Words) -> str:
    """A name such as "long visits · no purchase"."""
    return " · ".join(_phrase(name, high, words) for name, high in chosen) or "all alike"


def distribution(values: Floats) -> dict[str, Any]:
    """Mean, standard deviation and quantiles of what is there, and how many those are."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"count": 0}
    quantiles = np.quantile(known, QUANTILES).tolist()
    return {
        "count": len(known),
        "mean": float(known.mean()),
        "std": float(known.std()),
        **{f"q{100 * at:.0f}": value for at, value in zip(QUANTILES, quantiles, strict=True)},
    }


def shares(members: Sequence[Mapping[Any, str]]) -> dict[str, dict[str, float]]:
    """The commonest categories of each feature with their shares."""
    counts: dict[Hashable, Counter[str]] = {}
    for one in members:
        for name, value in one.items():
            counts.setdefault(name, Counter())[value] += 1
    return {
        str(name): {
            value: number / count.total() for value, number in count.most_common(TOP_CATEGORIES)
        }
        for name, count in counts.items()
    }


def flat_map(centres: Floats, weights: Floats) -> Floats:
    """Centres on a plane, (clusters, 2): their principal components, the same way round each time.

    Of each component, the feature that it weighs most has a positive weight.
    """
    if not len(centres):
        return np.zeros((0, 2))
    middle = np.average(centres, axis=0, weights=weights)
    spread = centres - middle
    _, _, components = np.linalg.svd(spread * np.sqrt(weights)[:, None], full_matrices=False)
    plane = np.zeros((len(centres), 2))
    for axis, component in enumerate(components[:2]):
        heaviest = component[np.abs(component).argmax()]
        plane[:, axis] = spread @ component * (1.0 if heaviest >= 0 else -1.0)
    return plane


def _holds(centre: Mapping[Hashable, float], trait: Trait) -> bool:
    name, high = trait
    value = centre.get(name, 0.0)
    return value >= FADED if high else value <= -FADED


def _phrase(name: Hashable, high: bool, words: Words) -> str:
    plain = str(name).replace("_", " ")
    low_words, high_words = words.get(str(name), (f"little {plain}", f"much {plain}"))
    return high_words if high else low_words
