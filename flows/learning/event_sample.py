"""A bounded sample of the recent past, rich in the rarer class."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from math import nan

import numpy as np
from numpy.typing import NDArray

from flows.learning.segments import Floats


class EventSample:
    """The newest `capacity` events that were kept, column by column, in a ring.

    `importances` tells how many events of the stream each one stands for. Numbers are held in
    single precision; what an event lacks is NaN.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.kept = 0
        self._labels = array("b")
        self._importances = array("f")
        self._columns: dict[Hashable, array[float]] = {}

    def keep(self, numbers: dict[Hashable, float], label: int, importance: float) -> None:
        """Add an event; the oldest gives way."""
        for name in numbers.keys() - self._columns.keys():
            self._columns[name] = array("f", [nan]) * len(self._labels)
        place = self.kept % self.capacity
        _put(self._labels, place, label)
        _put(self._importances, place, importance)
        for name, column in self._columns.items():
            _put(column, place, numbers.get(name, nan))
        self.kept += 1

    @property
    def names(self) -> list[Hashable]:
        return list(self._columns)

    def column(self, name: Hashable) -> Floats:
        return np.array(self._columns[name], dtype=np.float64)

    def labels(self) -> NDArray[np.bool_]:
        return np.array(self._labels, dtype=np.bool_)

    def importances(self) -> Floats:
        return np.array(self._importances, dtype=np.float64)


def _put(ring: array[float] | array[int], place: int, value: float) -> None:
    if place == len(ring):
        ring.append(value)  # type: ignore[arg-type]
    else:
        ring[place] = value  # type: ignore[call-overload]
