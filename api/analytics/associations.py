"""How closely columns go together, from a sample of the rows."""

from __future__ import annotations

import math
from itertools import combinations

from api.analytics.figures import Association, ColumnProfile
from api.analytics.taken import TABLE, Column, Taken

SAMPLE = "sampled"
MOST_ROWS = 200_000
MOST_COLUMNS = 24
MOST_CATEGORIES = 50


def associations(
    taken: Taken, told: list[tuple[Column, ColumnProfile]]
) -> tuple[list[Association], int]:
    """Every pair of columns of numbers and of categories, and from how many rows."""
    numbers = [column for column, profile in told if _varies(profile)][:MOST_COLUMNS]
    kinds = [column for column, profile in told if _is_categorical(profile)][:MOST_COLUMNS]
    rows = _sample(taken, numbers + kinds)
    if rows < 3:
        return [], rows
    found = [*_pearson(taken, numbers), *_cramer(taken, kinds), *_ratios(taken, kinds, numbers)]
    return found, rows


def _varies(profile: ColumnProfile) -> bool:
    numbers = profile.numbers
    return numbers is not None and bool(numbers.std) and profile.role != "platform"


def _is_categorical(profile: ColumnProfile) -> bool:
    fits = 2 <= profile.distinct <= MOST_CATEGORIES and profile.role != "platform"
    return profile.kind in ("text", "boolean") and fits


def _sample(taken: Taken, columns: list[Column]) -> int:
    """Every n-th row, so that the same rows give the same sample."""
    if not columns:
        return 0
    step = max(1, math.ceil(taken.rows / MOST_ROWS))
    names = ", ".join(column.short for column in columns)
    taken.database.execute(
        f"CREATE OR REPLACE TEMP TABLE {SAMPLE} AS SELECT {names} FROM {TABLE}"
        f" WHERE rowid % {step} = 0"
    )
    return int(taken.one(f"SELECT count(*) FROM {SAMPLE}")[0])


def _pearson(taken: Taken, columns: list[Column]) -> list[Association]:
    pairs = list(combinations(columns, 2))
    if not pairs:
        return []
    held = "FILTER (isfinite({0}) AND isfinite({1}))"
    told = ", ".join(
        f"corr({a.short}, {b.short}) {held.format(a.short, b.short)}" for a, b in pairs
    )
    values = taken.one(f"SELECT {told} FROM {SAMPLE}")
    return [
        Association(a.name, b.name, "pearson", round(value, 4))
        for (a, b), value in zip(pairs, values, strict=True)
        if value is not None and math.isfinite(value)
    ]


def _cramer(taken: Taken, columns: list[Column]) -> list[Association]:
    found = []
    for a, b in combinations(columns, 2):
        cells = taken.all(
            f"SELECT {a.short}, {b.short}, count(*) FROM {SAMPLE}"
            f" WHERE {a.short} IS NOT NULL AND {b.short} IS NOT NULL GROUP BY ALL"
        )
        value = cramers_v({(x, y): count for x, y, count in cells})
        if value is not None:
            found.append(Association(a.name, b.name, "cramers_v", round(value, 4)))
    return found


def cramers_v(cells: dict[tuple[object, object], int]) -> float | None:
    """Cramér's V of a table of counts, corrected for bias; None where a side has one value.

    Bergsma, A bias-correction for Cramér's V and Tschuprow's T (2013).
    """
    total = sum(cells.values())
    rows: dict[object, int] = {}
    columns: dict[object, int] = {}
    for (row, column), count in cells.items():
        rows[row] = rows.get(row, 0) + count
        columns[column] = columns.get(column, 0) + count
    r, c = len(rows), len(columns)
    if min(r, c) < 2 or total < 2:
        return None
    squares = sum(n * n / (rows[row] * columns[column]) for (row, column), n in cells.items())
    strength = max(0.0, squares - 1 - (r - 1) * (c - 1) / (total - 1))
    least = min(r - (r - 1) ** 2 / (total - 1), c - (c - 1) ** 2 / (total - 1)) - 1
    return min(1.0, math.sqrt(strength / least)) if least > 0 else None


def _ratios(taken: Taken, kinds: list[Column], numbers: list[Column]) -> list[Association]:
    found = []
    for kind in kinds if numbers else ():
        told = ", ".join(
            f"count({n.short}) FILTER (isfinite({n.short})),"
            f" avg({n.short}) FILTER (isfinite({n.short})),"
            f" CASE WHEN count({n.short}) FILTER (isfinite({n.short})) > 0"
            f" THEN var_pop({n.short}) FILTER (isfinite({n.short})) END"
            for n in numbers
        )
        groups = taken.all(
            f"SELECT {told} FROM {SAMPLE} WHERE {kind.short} IS NOT NULL GROUP BY {kind.short}"
        )
        for place, number in enumerate(numbers):
            value = correlation_ratio([group[3 * place : 3 * place + 3] for group in groups])
            if value is not None:
                found.append(
                    Association(kind.name, number.name, "correlation_ratio", round(value, 4))
                )
    return found


def correlation_ratio(groups: list[tuple[int, float | None, float | None]]) -> float | None:
    """The share of a number's spread that lies between groups of (count, mean, variance): eta.

    None where there is no spread.
    """
    held = [
        (count, mean, variance)
        for count, mean, variance in groups
        if count and mean is not None and variance is not None
    ]
    total = sum(count for count, _, _ in held)
    if total < 2:
        return None
    centre = sum(count * mean for count, mean, _ in held) / total
    between = sum(count * (mean - centre) ** 2 for count, mean, _ in held)
    within = sum(count * variance for count, _, variance in held)
    spread = between + within
    return math.sqrt(between / spread) if spread > 0 and math.isfinite(spread) else None
