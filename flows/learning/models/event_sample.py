"""A bounded sample of the recent past, rich in the rarer class."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.learning.models.segments import Floats

LARGEST_EVIDENCE = 32.0


class EventSample:
    """The newest `capacity` events that were kept, column by column, in a ring.

    `importances` tells how many events of the stream each one stands for. Numbers are held in
    single precision, and NaN where an event lacks one; evidence in thousandths, up to ±32, and 0
    where it is lacking.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.kept = 0
        self._labels = array("b")
        self._importances = array("f")
        self._offsets = array("f")
        self._numbers: dict[Hashable, array[float]] = {}
        self._evidence: dict[Hashable, array[int]] = {}

    def keep(
        self,
        numbers: dict[Hashable, float],
        evidence: dict[Hashable, float],
        offset: float,
        label: int,
        importance: float,
    ) -> None:
        """Add an event; the oldest gives way."""
        place = self.kept % self.capacity
        _add_columns(self._numbers, numbers, array("f", [nan]) * len(self._labels))
        _add_columns(self._evidence, evidence, array("h", [0]) * len(self._labels))
        _put(self._labels, place, label)
        _put(self._importances, place, importance)
        _put(self._offsets, place, offset)
        for name, numbers_so_far in self._numbers.items():
            _put(numbers_so_far, place, numbers.get(name, nan))
        for name, evidence_so_far in self._evidence.items():
            _put(evidence_so_far, place, _thousandths(evidence.get(name, 0.0)))
        self.kept += 1

    def fade(self, newest: int, times: float) -> None:
        """Let all but the `newest` events stand for so many times fewer events."""
        oldest_full = self.kept - newest
        first = max(0, self.kept - self.capacity)
        for number in range(first, oldest_full):
            self._importances[number % self.capacity] /= times

    def numbers(self) -> dict[Hashable, Floats]:
        return {name: np.array(column, np.float64) for name, column in self._numbers.items()}

    def evidence(self) -> dict[Hashable, Floats]:
        return {name: np.array(column) / 1000 for name, column in self._evidence.items()}

    def offsets(self) -> Floats:
        return np.array(self._offsets, dtype=np.float64)

    def labels(self) -> NDArray[np.bool_]:
        return np.array(self._labels, dtype=np.bool_)

    def importances(self) -> Floats:
        return np.array(self._importances, dtype=np.float64)


def _add_columns(columns: dict[Hashable, Any], row: dict[Hashable, float], empty: Any) -> None:
    for name in row:
        if name not in columns:
            columns[name] = empty[:]


def _thousandths(evidence: float) -> int:
    return round(1000 * max(-LARGEST_EVIDENCE, min(evidence, LARGEST_EVIDENCE)))


def _put(ring: array[float] | array[int], place: int, value: float) -> None:
    if place == len(ring):
        ring.append(value)  # type: ignore[arg-type]
    else:
        ring[place] = value  # type: ignore[call-overload]
