"""A profile of rows: every column by itself, columns in pairs, and what is out of the ordinary."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec

from api.analytics import anomalies, drift, numbers, values
from api.analytics.asked import Expected, ProfileAsked
from api.analytics.associations import associations
from api.analytics.figures import (
    Anomaly,
    ColumnProfile,
    MissingPattern,
    Numbers,
    Profile,
    Role,
    Texts,
    Windows,
)
from api.analytics.quality import Seen, quality
from api.analytics.taken import TABLE, Column, Taken, take

PREDICTION = "prediction_"
MOST_PATTERNS = 12
AHEAD_SECONDS = 86_400.0
NO_EXPECTATION = Expected(path="")


def profile(database: duckdb.DuckDBPyConnection, asked: ProfileAsked) -> Profile:
    """Profile the rows of a view. Raises duckdb.Error."""
    began = time.perf_counter()
    profiler = _Profiler(take(database, asked.rows), asked)
    made = profiler.make()
    return msgspec.structs.replace(made, elapsed_ms=round((time.perf_counter() - began) * 1000, 1))


@dataclass(frozen=True, slots=True)
class _About:
    """What all columns are compared with."""

    windows: Windows | None
    conditions: tuple[str, str]
    texts: dict[str, Texts]


class _Profiler:
    def __init__(self, taken: Taken, asked: ProfileAsked) -> None:
        self._taken, self._asked = taken, asked
        self._expected = {one.path: one for one in asked.expected}

    def make(self) -> Profile:
        taken = self._taken
        span = numbers.times(taken, taken.time)
        windows = None if span is None else drift.windows(taken, *span[1])
        plain = [one for one in taken.columns if one.kind == "text" and one.plain]
        about = _About(windows, drift.conditions(taken, windows), values.texts(taken, plain))
        columns = [self._column(column, about) for column in taken.columns]
        pairs, sampled = associations(taken, list(zip(taken.columns, columns, strict=True)))
        scores = [one.quality for one in columns if one.quality is not None]
        rates = None if span is None else anomalies.rates(taken, *span[1])
        return Profile(
            table=taken.asked.view,
            rows=taken.rows,
            of_rows=taken.of_rows,
            first=None if span is None else span[0].first,
            last=None if span is None else span[0].last,
            quality=round(sum(scores) / len(scores), 1) if scores else None,
            columns=columns,
            associations=pairs,
            associated_rows=sampled,
            missing=self._missing(columns),
            rates=rates,
            windows=windows,
            anomalies=sorted(self._anomalies(columns, rates, windows), key=_gravest),
            elapsed_ms=0.0,
            tables=[],
        )

    def _column(self, column: Column, about: _About) -> ColumnProfile:
        found = values.values(self._taken, column, about.conditions)
        told = ColumnProfile(
            name=column.name,
            type=column.type,
            kind=column.kind,
            role=self._role(column),
            unit=self._expects(column).unit,
            count=found.count,
            nulls=self._taken.rows - found.count,
            distinct=found.distinct,
            once=found.once,
            numbers=None,
            times=None,
            texts=about.texts.get(column.name),
            histogram=None,
            box=None,
            top=[] if column.kind == "time" else values.top(self._taken, column, found),
            quality=None,
            reasons=[],
            drift=None,
        )
        told = msgspec.structs.replace(told, **self._more(column, told, found, about))
        return self._judged(column, told) if told.role == "event" else told

    def _more(
        self, column: Column, told: ColumnProfile, found: values.Values, about: _About
    ) -> dict[str, Any]:
        if column.kind == "number":
            return self._of_numbers(column, told, about)
        if column.kind == "time":
            return self._of_times(column, about)
        if told.role == "platform" or found.distinct > values.KEPT:
            return {}
        before, recent = ([row[side] for row in found.frequent] for side in (2, 3))
        return {"drift": drift.stability_index(before, recent)}

    def _of_numbers(self, column: Column, told: ColumnProfile, about: _About) -> dict[str, Any]:
        figures = numbers.numbers(self._taken, column)
        if figures is None:
            return {}
        edges = numbers.edges(figures, told.distinct)
        counted = numbers.histogram(self._taken, column, edges, about.conditions)
        box = numbers.box(self._taken, column, figures)
        index = None
        if told.role != "platform":
            index = drift.stability_index(counted.before, counted.recent)
        return {
            "numbers": figures,
            "histogram": counted.histogram,
            "box": box,
            "drift": index,
            "top": told.top if told.distinct <= values.KEPT else [],
        }

    def _of_times(self, column: Column, about: _About) -> dict[str, Any]:
        span = numbers.times(self._taken, column)
        if span is None:
            return {}
        edges = numbers.equal_parts(*span[1])
        counted = numbers.histogram(self._taken, column, edges, about.conditions)
        return {"times": span[0], "histogram": counted.histogram}

    def _judged(self, column: Column, told: ColumnProfile) -> ColumnProfile:
        expected = self._expects(column)
        strangers = 0
        if expected.choices and column.kind == "text":
            strangers = values.strangers(self._taken, column, expected.choices)
        seen = Seen(
            rows=self._taken.rows,
            nulls=told.nulls,
            distinct=told.distinct,
            numbers=told.numbers,
            texts=told.texts,
            box=told.box,
            outside=self._outside(column, expected, told.numbers),
            bounds=_bounds(expected),
            strangers=strangers,
            later=self._later(column),
            repeated=self._repeated(told),
            drift=told.drift,
        )
        score, reasons = quality(seen)
        return msgspec.structs.replace(told, quality=score, reasons=reasons)

    def _outside(self, column: Column, expected: Expected, found: Numbers | None) -> int:
        low, high = expected.minimum, expected.maximum
        below = low is not None and found is not None and found.minimum < low
        above = high is not None and found is not None and found.maximum > high
        if not (below or above):
            return 0
        tests = [f"{column.short} < {low!r}"] * below + [f"{column.short} > {high!r}"] * above
        return self._count(f"isfinite({column.short}) AND ({' OR '.join(tests)})")

    def _later(self, column: Column) -> int:
        if column.kind != "time":
            return 0
        return self._count(f"{column.short} > {time.time() + AHEAD_SECONDS!r}")

    def _repeated(self, told: ColumnProfile) -> int:
        return told.count - told.distinct if told.name == self._asked.identity else 0

    def _count(self, condition: str) -> int:
        return int(self._taken.one(f"SELECT count(*) FILTER ({condition}) FROM {TABLE}")[0])

    def _role(self, column: Column) -> Role:
        if column.name in self._expected:
            return "event"
        return "prediction" if column.name.startswith(PREDICTION) else "platform"

    def _expects(self, column: Column) -> Expected:
        return self._expected.get(column.name, NO_EXPECTATION)

    def _missing(self, told: list[ColumnProfile]) -> list[MissingPattern]:
        """Which columns are missing together, most frequent first."""
        pairs = zip(self._taken.columns, told, strict=True)
        lacking = [column for column, one in pairs if one.nulls > 0]
        if not lacking:
            return []
        tests = ", ".join(f"{column.short} IS NULL" for column in lacking)
        rows = self._taken.all(
            f"SELECT [{tests}] AS lacks, count(*) AS n FROM {TABLE}"
            f" GROUP BY lacks ORDER BY n DESC, lacks DESC LIMIT {MOST_PATTERNS}"
        )
        return [
            MissingPattern(
                [column.name for column, is_null in zip(lacking, lacks, strict=True) if is_null],
                count,
            )
            for lacks, count in rows
        ]

    def _anomalies(
        self, told: list[ColumnProfile], rates: Any, windows: Windows | None
    ) -> Iterator[Anomaly]:
        for column in told:
            yield from anomalies.unusual_values(column)
            yield from anomalies.drifts(column, windows)
            yield from anomalies.repeated(column.name, self._repeated(column))
        if rates is not None:
            yield from anomalies.unusual_rates(rates)


def _bounds(expected: Expected) -> str:
    low = "" if expected.minimum is None else f"{expected.minimum:g}"
    high = "" if expected.maximum is None else f"{expected.maximum:g}"
    return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"


def _gravest(anomaly: Anomaly) -> tuple[int, str]:
    return ("high", "medium", "low").index(anomaly.severity), anomaly.column or ""
