"""The newest description of each of many things, as a table of numbers and one of categories."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from itertools import islice
from math import nan
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = tuple[Any, ...]
"""Values in the order of columns: numbers as they were given, None or nan where there is none."""

MOST_COLUMNS = 100
LONGEST_CATEGORY = 60
LARGEST = 1e30

PAUSE_WEIGHT = 0.01
LONG_PAUSES = 3.0
FEWEST_SETTLED = 60
SETTLED_SHARE = 0.2

NUMBERS = frozenset({float, int, bool, type(None)})
TEXTS = frozenset({str, type(None)})


class _Kept(NamedTuple):
    """A description, and how many had arrived with it."""

    arrived: int
    row: Row
    categories: dict[Hashable, str]


class LatestSample:
    """At most `capacity` things; the one whose description is oldest makes room.

    A newer description of a thing replaces its older one, so that nothing is counted twice.
    `key` names the value that says which thing is described; without it, each is a new one.
    Numbers and booleans become columns as they first appear; a value that is missing is nan.
    """

    def __init__(self, capacity: int, key: Hashable | None = None) -> None:
        self.capacity = capacity
        self.key = key
        self.columns: dict[Hashable, int] = {}
        self._texts: dict[Hashable, None] = {}
        self._known = {key}
        self.arrived = 0
        self.things = 0
        self._rows: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._pause = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def settled(self) -> int:
        """How many of the oldest descriptions are probably the last ones of their things.

        They have been silent for longer than things usually are between two descriptions. All
        count while hardly any have, as with things that never end.
        """
        silent_since = self.arrived - LONG_PAUSES * self._pause
        settled = sum(kept.arrived <= silent_since for kept in self._rows.values())
        few = max(FEWEST_SETTLED, SETTLED_SHARE * len(self._rows))
        return settled if settled >= few else len(self._rows)

    def keep(self, x: Mapping[Any, Any]) -> None:
        """Take a description in."""
        if not self._is_usual(x):
            self._widen(x)
        rows = self._rows
        self.arrived += 1
        key = self.arrived if self.key is None else x.get(self.key)
        former = rows.pop(key, None)
        rows[key] = _Kept(self.arrived, self.row(x), self._categories(x))
        if former is None:
            self.things += 1
            if len(rows) > self.capacity:
                rows.popitem(last=False)
        else:
            self._pause += PAUSE_WEIGHT * (self.arrived - former.arrived - self._pause)

    def forget(self, kept: int) -> None:
        """Keep only the `kept` newest descriptions."""
        while len(self._rows) > kept:
            self._rows.popitem(last=False)

    def row(self, x: Mapping[Any, Any]) -> Row:
        """The numbers of a description in the order of the columns, nan where there is none."""
        return row(x, self.columns)

    def numbers(self, count: int) -> Floats:
        """The `count` oldest descriptions: (things, columns)."""
        table = np.full((count, len(self.columns)), nan)
        for place, kept in enumerate(islice(self._rows.values(), count)):
            table[place, : len(kept.row)] = clean(kept.row)
        return table

    def categories(self, count: int) -> list[dict[Hashable, str]]:
        """What is no number in the `count` oldest descriptions."""
        return [kept.categories for kept in islice(self._rows.values(), count)]

    def _widen(self, x: Mapping[Any, Any]) -> None:
        """Make a column for each number that has none, and note texts, while there is room."""
        for name, value in x.items():
            if name == self.key:
                continue
            if is_number(value) and len(self.columns) < MOST_COLUMNS:
                self.columns.setdefault(name, len(self.columns))
            elif type(value) is str and len(self._texts) < MOST_COLUMNS:
                self._texts[name] = None
        self._known.update(self.columns, self._texts)

    def _is_usual(self, x: Mapping[Any, Any]) -> bool:
        """Whether all names are known, and have what they had before, or nothing."""
        return (
            x.keys() <= self._known
            and TEXTS.issuperset(map(type, map(x.get, self._texts)))
            and NUMBERS.issuperset(map(type, map(x.get, self.columns)))
        )

    def _categories(self, x: Mapping[Any, Any]) -> dict[Hashable, str]:
        return {
            name: value[:LONGEST_CATEGORY]
            for name in self._texts
            if type(value := x.get(name)) is str
        }


def row(x: Mapping[Any, Any], columns: Iterable[Hashable]) -> Row:
    """The numbers of a description in the order of columns."""
    values = tuple(map(x.get, columns))
    return values if NUMBERS.issuperset(map(type, values)) else clean(values)


def clean(values: Row) -> tuple[float, ...]:
    """Finite numbers, nan for whatever is none."""
    return tuple([_number(value) for value in values])


def is_number(value: Any) -> bool:
    """Tell what becomes a column."""
    kind = type(value)
    return kind is float or kind is int or (kind is not str and isinstance(value, Real))


def _number(value: Any) -> float:
    kind = type(value)
    if kind is not float and kind is not int and not isinstance(value, Real):
        return nan
    return float(max(-LARGEST, min(value, LARGEST))) if value == value else nan
