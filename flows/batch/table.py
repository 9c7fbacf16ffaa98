"""What a model is trained on: a table of inputs, with labels, times and keys beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Floats = np.ndarray[Any, np.dtype[np.float64]]
Objects = np.ndarray[Any, np.dtype[np.object_]]
Row = tuple[Any, ...]

MISSING = ""
"""The category of what is not known. Numbers that are not known are NaN."""


@dataclass(frozen=True, slots=True)
class Column:
    """An input: a category, which is a text, or a number; yes and no are the numbers 1 and 0."""

    name: str
    category: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order of time. `times`: of events, seconds since 1970; `keys`: their entities."""

    columns: tuple[Column, ...]
    frame: pd.DataFrame
    labels: Objects
    times: Floats
    keys: Objects

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.times)

    def take(self, places: Any) -> Table:
        """Some of the rows, by a slice, positions or a mask."""
        return Table(
            self.columns,
            self.frame.iloc[places].reset_index(drop=True),
            self.labels[places],
            self.times[places],
            self.keys[places],
        )

    def keep(self, columns: Sequence[Column]) -> Table:
        """Some of the columns."""
        frame = self.frame[[one.name for one in columns]]
        return Table(tuple(columns), frame, self.labels, self.times, self.keys)

    @property
    def numbers(self) -> list[str]:
        """Names of the columns that hold numbers."""
        return [one.name for one in self.columns if not one.category]

    @property
    def categories(self) -> list[str]:
        """Names of the columns that hold texts."""
        return [one.name for one in self.columns if one.category]

    def inputs(self) -> Iterator[dict[str, Any]]:
        """Each row as a model sees it when it serves, without what is missing."""
        names = [one.name for one in self.columns]
        for row in zip(*(self.frame[name].to_numpy() for name in names), strict=True):
            found = zip(names, row, strict=True)
            yield {name: value for name, value in found if value == value and value != MISSING}


@dataclass(frozen=True, slots=True)
class Parts:
    """A table split by time: the last fifth tests, the fifth before it validates."""

    train: Table
    validation: Table
    test: Table


def split(table: Table) -> Parts:
    """Split by time, never at random: what is to come is not known when training."""
    first, second = len(table) * 3 // 5, len(table) * 4 // 5
    return Parts(
        table.take(slice(0, first)),
        table.take(slice(first, second)),
        table.take(slice(second, None)),
    )


def row_of(columns: Sequence[Column], inputs: Mapping[str, Any]) -> Row:
    """The values of an event's inputs, in order of columns."""
    return tuple([inputs.get(one.name) for one in columns])


def frame_of(columns: Sequence[Column], rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as a frame of the columns' types."""
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [
        texts(found) if one.category else numbers(found)
        for one, found in zip(columns, values, strict=True)
    ]
    return framed(columns, arrays)


def framed(columns: Sequence[Column], arrays: Sequence[Any]) -> pd.DataFrame:
    """Arrays as a frame; texts stay the objects that they are."""
    series = {
        one.name: pd.Series(array, dtype=object if one.category else float)
        for one, array in zip(columns, arrays, strict=True)
    }
    return pd.DataFrame(series)


def numbers(values: Sequence[Any]) -> Floats:
    """Numbers; what is none, or not finite, is NaN."""
    found = np.array([value if _is_number(value) else np.nan for value in values], dtype=float)
    found[~np.isfinite(found)] = np.nan
    return found


def texts(values: Sequence[Any]) -> Objects:
    """Texts; equal ones are the same object, so that many cost little."""
    known: dict[Any, str] = {}
    found = np.empty(len(values), dtype=object)
    found[:] = [known.setdefault(value, _text(value)) for value in values]
    return found


def is_category(values: Sequence[Any]) -> bool:
    """Whether there is anything among the values that is no number."""
    return any(value is not None and not _is_number(value) for value in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _text(value: Any) -> str:
    return MISSING if value is None or value != value else str(value)
