"""Notices that the inputs of a model are no longer spread as they used to be."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.learning.drift import Alarm

WINDOW = 500
PRESENT_AT_LEAST = 100
# Every event or other is looked at, by a sequence that no season of the stream keeps time with.
_GOLDEN = 0x9E3779B1
_HALF = 1 << 31
WINDOWS_REMEMBERED = 8
BINS = 10
CATEGORIES_TOLD_APART = 30
STABILITY_LIMIT = 0.25
"""The usual limit of "a significant shift": Siddiqi (2006), "Credit Risk Scorecards", chapter 6."""

NUMBERS = frozenset({int, float})

Floats = NDArray[np.float64]


@dataclass(slots=True)
class _Usual:
    """How one input is usually spread: shares of bins or of categories, and how to count them."""

    edges: Floats | None
    categories: tuple[Any, ...]
    counts: Floats

    @classmethod
    def of(cls, values: Sequence[Any]) -> _Usual:
        numbers = _numbers(values)
        edges, categories = None, tuple[Any, ...]()
        if numbers is None:
            common = Counter(map(str, values)).most_common(CATEGORIES_TOLD_APART)
            categories = tuple(value for value, _ in common)
        else:
            edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
        made = cls(edges, categories, np.zeros(0))
        made.counts = made.count(values)
        return made

    def count(self, values: Sequence[Any]) -> Floats:
        """How many values fall into each bin; the last one of categories is all others."""
        if self.edges is None:
            places = {value: place for place, value in enumerate(self.categories)}
            found = [places.get(str(value), len(places)) for value in values]
            return np.bincount(found, minlength=len(places) + 1).astype(np.float64)
        numbers = _numbers(values)
        if numbers is None:
            return np.zeros(len(self.edges) + 1)
        places_of = np.searchsorted(self.edges, numbers, side="right")
        return np.bincount(places_of, minlength=len(self.edges) + 1).astype(np.float64)

    def shift(self, counts: Floats) -> float:
        """Population stability index between what is usual and `counts`."""
        usual = (self.counts + 0.5) / (self.counts + 0.5).sum()
        now = (counts + 0.5) / (counts + 0.5).sum()
        return float(((now - usual) * np.log(now / usual)).sum())

    def add(self, counts: Floats) -> None:
        """Let the window count among what is usual, and what is old fade."""
        self.counts = self.counts * (1 - 1 / WINDOWS_REMEMBERED) + counts


class InputDrift:
    """Compares the inputs of the last 1 000 events, half of them, with those of the time before.

    Rings for an input whose population stability index passes 0.25, and takes the new spread for
    the usual one. An input that moves with the clock is for the project to name.
    """

    def __init__(self, seasonal: frozenset[str] = frozenset()) -> None:
        self._seasonal = seasonal
        self._events = 0
        self._window: list[dict[str, Any]] = []
        self._usual: dict[str, _Usual] = {}

    def update(self, features: dict[str, Any]) -> list[Alarm]:
        """Watch the inputs of one event; returns the alarms they raise."""
        self._events += 1
        if self._events * _GOLDEN & 0xFFFFFFFF >= _HALF:
            return []
        self._window.append(features)
        if len(self._window) < WINDOW:
            return []
        window, self._window = self._window, []
        names: dict[str, Any] = {}
        for one in window:
            if not one.keys() <= names.keys():
                names |= one
        watched = [name for name in names if name not in self._seasonal]
        found = [self._compare(name, [one.get(name) for one in window]) for name in watched]
        return [alarm for alarm in found if alarm is not None]

    def _compare(self, name: str, values: list[Any]) -> Alarm | None:
        if len(values) - values.count(None) < PRESENT_AT_LEAST:
            return None
        usual = self._usual.get(name)
        if usual is None:
            self._usual[name] = _Usual.of(values)
            return None
        counts = usual.count(values)
        shift = usual.shift(counts)
        if shift <= STABILITY_LIMIT:
            usual.add(counts)
            return None
        self._usual[name] = new = _Usual.of(values)
        return {
            "detector": "PSI",
            "watched": name,
            "shift": shift,
            "before": _typical(usual),
            "after": _typical(new),
        }


def _numbers(values: Sequence[Any]) -> Floats | None:
    """The values as numbers; None when any of them is none. A missing one is not counted."""
    present = [value for value in values if value is not None]
    if not present or not NUMBERS.issuperset(map(type, present)):
        return None
    try:
        numbers = np.array(present, dtype=np.float64)
    except OverflowError:
        numbers = np.array([_bounded(value) for value in present])
    finite: Floats = numbers[np.isfinite(numbers)]
    return finite


def _bounded(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _typical(usual: _Usual) -> Any:
    """The median bin's border of a number, the commonest category otherwise."""
    if usual.edges is None:
        return (*usual.categories, "other")[int(usual.counts.argmax())]
    return float(usual.edges[len(usual.edges) // 2]) if len(usual.edges) else None
