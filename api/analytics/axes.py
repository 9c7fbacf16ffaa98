"""Axes of charts: the places on them, and the SQL that finds a row's place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from api.analytics.charted import Axis
from api.analytics.numbers import equal_parts, moment
from api.analytics.taken import Column, written

TABLE = "charted"
OTHERS = "others"
MISSING = "missing"
FEW = 30
"""Whole numbers of which there are so few are categories."""

ROOM = 1.5
"""Interquartile ranges, beyond what most values take, that an axis may reach."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An axis, and the SQL of a row's place on it, which is null outside."""

    axis: Axis
    place: str


def axis_of(
    database: Any, column: Column, unit: str, *, most: int, cells: int, narrow: bool = False
) -> Placed:
    """Lay a column out: categories, the `most` frequent and others, or `cells` of equal width.

    `narrow`: without the few values that lie far from all others.
    """
    if is_categorical(database, column):
        return _categories(database, column, unit, most)
    return _cells(database, column, unit, cells, narrow)


def category(database: Any, column: Column, unit: str, most: int) -> Placed:
    """Lay a column out as categories whatever it holds; numbers and times of which there are many
    as a few cells."""
    if is_categorical(database, column):
        return _categories(database, column, unit, most)
    placed = _cells(database, column, unit, min(most, 6), False)
    edges = placed.axis.edges
    names = [
        f"{told(low, column.kind)} to {told(high, column.kind)}" for low, high in pairwise(edges)
    ]
    axis = Axis(name=column.name, unit=unit, kind="category", values=names)
    return Placed(axis, placed.place)


def is_categorical(database: Any, column: Column) -> bool:
    """Tell whether a column holds categories: texts, truths and few whole numbers."""
    if column.kind in ("text", "boolean"):
        return True
    if column.kind == "time":
        return False
    (whole, distinct) = database.execute(
        f"SELECT bool_and({column.short} = floor({column.short})),"
        f" approx_count_distinct({column.short}) FROM {TABLE} WHERE isfinite({column.short})"
    ).fetchone()
    return bool(whole) and distinct <= FEW


def told(value: float, kind: str) -> str:
    """A number or time in few characters."""
    if kind != "time":
        return f"{value:.4g}"
    return f"{moment(value):%Y-%m-%d %H:%M}"


def _categories(database: Any, column: Column, unit: str, most: int) -> Placed:
    text = as_text(column)
    found = database.execute(
        f"SELECT {text} AS value, count(*) AS n FROM {TABLE} GROUP BY value"
        f" ORDER BY value IS NULL, n DESC, value LIMIT {most + 2}"
    ).fetchall()
    values = [value for value, _ in found if value is not None]
    lacks = database.execute(
        f"SELECT count(*) FROM {TABLE} WHERE {column.short} IS NULL"
    ).fetchone()[0]
    kept = values if len(values) <= most else values[: most - 1]
    if column.kind == "number":
        kept = sorted(kept, key=float)
    names = [*kept, *[OTHERS] * (len(kept) < len(values)), *[MISSING] * bool(lacks)]
    cases = " ".join(f"WHEN {written([value])} THEN {place}" for place, value in enumerate(kept))
    others = f"ELSE {len(kept)} END" if len(kept) < len(values) else "END"
    place = f"CASE {text} {cases} {others}" if kept else "NULL"
    if lacks:
        place = f"CASE WHEN {column.short} IS NULL THEN {len(names) - 1} ELSE {place} END"
    axis = Axis(name=column.name, unit=unit, kind="category", values=names)
    return Placed(axis, f"CAST({place} AS INTEGER)")


def as_text(column: Column) -> str:
    """A value as the SQL of a text; whole numbers without a fraction."""
    if column.kind == "number":
        return f"CAST(CAST({column.short} AS BIGINT) AS VARCHAR)"
    return f"CAST({column.short} AS VARCHAR)"


def _cells(database: Any, column: Column, unit: str, cells: int, narrow: bool) -> Placed:
    low, high = bounds(database, column, narrow)
    edges = equal_parts(low, high, cells)
    return Placed(
        Axis(name=column.name, unit=unit, kind=_kind(column), edges=edges),
        cell_of(column.short, edges),
    )


def _kind(column: Column) -> Any:
    return "time" if column.kind == "time" else "number"


def cell_of(name: str, edges: list[float]) -> str:
    """The SQL of the cell in which a number lies."""
    low, high, count = edges[0], edges[-1], len(edges) - 1
    width = (high - low) / count
    return (
        f"CASE WHEN {name} BETWEEN {low!r} AND {high!r} THEN"
        f" least(CAST(floor(({name} - {low!r}) / {width!r}) AS INTEGER), {count - 1}) END"
    )


def bounds(database: Any, column: Column, narrow: bool) -> tuple[float, float]:
    """Between which values a column lies; 0 and 1 where it has none."""
    name = column.short
    low, high, inner = database.execute(
        f"SELECT min({name}), max({name}), approx_quantile({name}, [0.001, 0.25, 0.75, 0.999])"
        f" FROM {TABLE} WHERE isfinite({name})"
    ).fetchone()
    if low is None:
        return 0.0, 1.0
    if narrow and column.kind == "number":
        first, q1, q3, last = inner
        room = ROOM * (q3 - q1)
        if q3 > q1 and math.isfinite(room):
            low, high = max(low, min(first, q1 - room)), min(high, max(last, q3 + room))
    return low, high
