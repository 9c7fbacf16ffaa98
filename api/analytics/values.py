"""Which values columns hold, how often, and what texts look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.analytics.figures import Texts, TopValue
from api.analytics.taken import TABLE, Column, Taken, quoted, written

TOP = 10
KEPT = 30
"""How many values are told apart where the rows of two windows are compared."""

LONGEST = 120
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Values:
    """A column's values: how many, how many of them once, and the most frequent with their counts
    among all rows and those of two windows."""

    count: int
    distinct: int
    once: int
    frequent: list[tuple[Any, int, int, int]]


def values(taken: Taken, column: Column, windows: tuple[str, str]) -> Values:
    """Count a column's values; texts are told as hashes."""
    before, recent = windows
    count, distinct, once, frequent = taken.one(
        f"WITH each AS MATERIALIZED (SELECT {column.short} AS value, count(*) AS n,"
        f" count(*) FILTER ({before}) AS b, count(*) FILTER ({recent}) AS r"
        f" FROM {TABLE} WHERE {column.short} IS NOT NULL GROUP BY value),"
        f" frequent AS (SELECT * FROM each ORDER BY n DESC, value LIMIT {KEPT})"
        " SELECT coalesce(sum(n), 0)::BIGINT, count(*), count(*) FILTER (n = 1),"
        " (SELECT list(frequent ORDER BY n DESC, value) FROM frequent) FROM each"
    )
    rows = [(one["value"], one["n"], one["b"], one["r"]) for one in frequent or ()]
    return Values(count, distinct, once, rows)


def top(taken: Taken, column: Column, found: Values) -> list[TopValue]:
    """The most frequent values as they are shown; none where each comes once."""
    rows = [(value, count) for value, count, _, _ in found.frequent[:TOP]]
    if found.distinct == found.once and found.distinct > TOP:
        return []
    if column.kind != "text":
        return [TopValue(value, count) for value, count in rows]
    known = looked_up(taken, column, [value for value, _ in rows])
    return [TopValue(known.get(value, "…"), count) for value, count in rows]


def looked_up(taken: Taken, column: Column, hashes: list[int]) -> dict[int, str]:
    """The texts of hashes, cut where they are long."""
    if not hashes:
        return {}
    wanted = ", ".join(f"{value}::UBIGINT" for value in hashes)
    view = quoted(taken.asked.plain if column.plain else taken.asked.view)
    rows = taken.all(
        f"SELECT hash(value), any_value(value) FROM"
        f" (SELECT CAST({column.text} AS VARCHAR) AS value FROM {view} WHERE {taken.where})"
        f" WHERE hash(value) IN ({wanted}) GROUP BY 1"
    )
    return {value: cut(text) for value, text in rows}


def texts(taken: Taken, columns: list[Column]) -> dict[str, Texts]:
    """Lengths of the texts of each column, all columns at once."""
    if not columns:
        return {}
    told = ", ".join(_lengths(column) for column in columns)
    view = quoted(taken.asked.plain)
    found = iter(taken.one(f"SELECT {told} FROM {view} WHERE {taken.where}"))
    return {
        column.name: Texts(
            shortest=shortest, longest=longest, mean_length=mean, blank=blank, padded=padded
        )
        for column in columns
        for shortest, longest, mean, blank, padded in [tuple(next(found) for _ in range(5))]
        if shortest is not None
    }


def _lengths(column: Column) -> str:
    text = f"CAST({column.text} AS VARCHAR)"
    length = f"length({text})"
    return (
        f"min({length}), max({length}), avg({length}),"
        f" count(*) FILTER (trim({text}) = ''),"
        f" count(*) FILTER (trim({text}) <> {text} AND trim({text}) <> '')"
    )


def strangers(taken: Taken, column: Column, known: tuple[str, ...]) -> int:
    """How many values of a column of texts are none of the known ones."""
    hashes = ", ".join(f"hash({written([value])})" for value in known)
    (count,) = taken.one(f"SELECT count(*) FILTER ({column.short} NOT IN ({hashes})) FROM {TABLE}")
    return int(count)


def cut(text: str) -> str:
    """A text no longer than is shown."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
