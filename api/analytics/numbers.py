"""Figures, histograms and box plots of columns of numbers and times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from api.analytics.figures import Box, Histogram, Numbers, Times
from api.analytics.taken import TABLE, Column, Taken

BINS = 30
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
WHISKER, FAR = 1.5, 3.0


@dataclass(frozen=True, slots=True)
class Compared:
    """A histogram of all rows, and how the rows of two windows lie in its cells, below and above
    it included."""

    histogram: Histogram
    before: list[int]
    recent: list[int]


def numbers(taken: Taken, column: Column) -> Numbers | None:
    """Figures of a column; None where it holds no number."""
    name = column.short
    odd, *found = taken.one(
        f"SELECT count(*) FILTER (NOT isfinite({name})), {_figures(name)},"
        f" quantile_cont({name}, [{', '.join(map(str, SHARES))}]) FILTER (isfinite({name}))"
        f" FROM {TABLE}"
    )
    mean, std, minimum, maximum, skewness, zeros, negative, quantiles = found
    if mean is None:
        return None
    return Numbers(
        mean=mean,
        median=quantiles[SHARES.index(0.5)],
        std=finite(std),
        minimum=minimum,
        maximum=maximum,
        skewness=finite(skewness),
        quantiles=dict(zip(map(str, SHARES), quantiles, strict=True)),
        zeros=zeros,
        negative=negative,
        not_finite=odd,
    )


def _figures(name: str) -> str:
    held = f"FILTER (isfinite({name}))"
    told = [f"{what}({name}) {held}" for what in ("avg", "stddev_samp", "min", "max", "skewness")]
    told[1] = f"CASE WHEN count({name}) {held} > 1 THEN {told[1]} END"
    told += [f"count(*) FILTER ({name} {what} 0)" for what in ("=", "<")]
    return ", ".join(told)


def box(taken: Taken, column: Column, figures: Numbers) -> Box:
    """The box plot of a column."""
    name, q1, q3 = column.short, figures.quantiles["0.25"], figures.quantiles["0.75"]
    fences = [(q1 - times * (q3 - q1), q3 + times * (q3 - q1)) for times in (WHISKER, FAR)]
    (low, high), (lowest, highest) = fences
    first, last, outliers, far = taken.one(
        f"SELECT min({name}) FILTER ({name} >= {low!r}),"
        f" max({name}) FILTER ({name} <= {high!r}),"
        f" count(*) FILTER ({name} < {low!r} OR {name} > {high!r}),"
        f" count(*) FILTER ({name} < {lowest!r} OR {name} > {highest!r})"
        f" FROM {TABLE} WHERE isfinite({name})"
    )
    return Box(
        low=first, q1=q1, median=figures.median, q3=q3, high=last, outliers=outliers, far=far
    )


def times(taken: Taken, column: Column) -> tuple[Times, tuple[float, float]] | None:
    """The first and the last time of a column, also as seconds."""
    first, last = taken.one(f"SELECT min({column.short}), max({column.short}) FROM {TABLE}")
    if first is None or not (math.isfinite(first) and math.isfinite(last)):
        return None
    return Times(moment(first), moment(last)), (first, last)


def edges(figures: Numbers, distinct: int) -> list[float]:
    """Where a histogram's cells begin and end: whole numbers if they are few, else equal parts of
    what lies within 3 interquartile ranges of the quartiles."""
    low, high = figures.minimum, figures.maximum
    whole = all(value == int(value) for value in (low, high, *figures.quantiles.values()))
    if whole and high - low < BINS and distinct <= high - low + 1:
        return [low - 0.5 + number for number in range(int(high - low) + 2)]
    q1, q3 = figures.quantiles["0.25"], figures.quantiles["0.75"]
    if q3 > q1:
        low, high = max(low, q1 - FAR * (q3 - q1)), min(high, q3 + FAR * (q3 - q1))
    return equal_parts(low, high)


def equal_parts(low: float, high: float, count: int = BINS) -> list[float]:
    """Edges of equal cells; one cell where there is but one value."""
    width = (high - low) / count
    if not math.isfinite(width) or low + width == low:
        return [low - 0.5, low + 0.5]
    return [*(low + width * number for number in range(count)), high]


def histogram(taken: Taken, column: Column, at: list[float], windows: tuple[str, str]) -> Compared:
    """Count what lies in each cell, of all rows and of those that fulfil two conditions."""
    name, last = column.short, len(at) - 1
    low, high = at[0], at[-1]
    width = (high - low) / last
    cell = (
        f"CASE WHEN {name} < {low!r} THEN -1 WHEN {name} > {high!r} THEN {last}"
        f" ELSE least(CAST(floor(({name} - {low!r}) / {width!r}) AS INTEGER), {last - 1}) END"
    )
    before, recent = windows
    counts = [[0] * (last + 2) for _ in range(3)]
    for place, *found in taken.all(
        f"SELECT {cell} AS cell, count(*), count(*) FILTER ({before}), count(*) FILTER ({recent})"
        f" FROM {TABLE} WHERE isfinite({name}) GROUP BY cell"
    ):
        for each, count in zip(counts, found, strict=True):
            each[place + 1] = count
    below, *inside, above = counts[0]
    return Compared(Histogram(at, inside, below, above), counts[1], counts[2])


def moment(seconds: float) -> datetime:
    """A time of seconds since 1970; the nearest there is."""
    least, most = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(min(max(seconds, least.timestamp()), int(most.timestamp())), UTC)


def finite(value: float | None) -> float | None:
    """A number that JSON can hold, or None."""
    return value if value is not None and math.isfinite(value) else None
