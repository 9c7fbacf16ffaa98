"""SQL made of what was clicked together: typed descriptions in, one SELECT out.

Names are quoted and values are literals, so that a description can ask for nothing but rows of its
table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from flows.errors import RealtimeError

Kind = Literal["number", "boolean", "time", "text"]

FUNCTIONS: Mapping[str, str] = {
    "": "{0}",
    "count": "count({0})",
    "distinct": "count(DISTINCT {0})",
    "sum": "sum({0})",
    "mean": "avg({0})",
    "median": "median({0})",
    "min": "min({0})",
    "max": "max({0})",
}
OF_NUMBERS = ("sum", "mean", "median")
OPERATORS: Mapping[str, str] = {
    "is": "{0} = {1}",
    "is not": "{0} IS DISTINCT FROM {1}",
    "<": "{0} < {1}",
    "≤": "{0} <= {1}",
    ">": "{0} > {1}",
    "≥": "{0} >= {1}",
    "contains": "contains(lower(CAST({0} AS VARCHAR)), lower({1}))",
    "starts with": "starts_with(lower(CAST({0} AS VARCHAR)), lower({1}))",
    "is missing": "{0} IS NULL",
    "is there": "{0} IS NOT NULL",
}
WITHOUT_VALUE = ("is missing", "is there")
OF_TEXTS = ("contains", "starts with")
ROWS = "*"
"""A column that is there in every table: with `count` it counts rows."""

LARGEST_LIMIT = 10_000
MOST = 50
"""Columns, filters and orders that a query may have, of each."""


class QueryError(RealtimeError):
    """What was clicked together is no query yet."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the answer: one of the table's as it is, or what a function makes of it."""

    column: str
    function: str = ""

    @property
    def is_made(self) -> bool:
        """Tell whether it is made of several rows."""
        return bool(self.function) or self.column == ROWS

    @property
    def name(self) -> str:
        """What it is called in the answer."""
        if self.column == ROWS:
            return "rows"
        return f"{self.function} of {self.column}" if self.function else self.column


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows must fulfil; the value as it was typed."""

    column: str
    operator: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """By which column of the answer, the first of them being 0, and whether from the greatest."""

    place: int
    down: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """A query: columns in their order, filters that all hold, orders, and at most so many rows.

    Where a column has a function, rows are grouped by those that have none.
    """

    table: str
    columns: Sequence[Shown] = ()
    filters: Sequence[Filter] = ()
    orders: Sequence[Order] = ()
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Offered:
    """The columns of a table by their dotted names, with what they hold."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def sql(asked: Description, offered: Offered) -> str:
    """Make the SELECT. Raises QueryError that says what is missing or wrong."""
    _check(asked)
    parts = [f"SELECT {_selected(asked, offered)}", f"FROM {_quoted(asked.table)}"]
    if asked.filters:
        held = "\n  AND ".join(_condition(one, offered) for one in asked.filters)
        parts.append(f"WHERE {held}")
    groups = [str(place) for place, one in enumerate(asked.columns, 1) if not one.is_made]
    if groups and len(groups) < len(asked.columns):
        parts.append(f"GROUP BY {', '.join(groups)}")
    if asked.orders:
        orders = (f"{one.place + 1}{' DESC' if one.down else ''}" for one in asked.orders)
        parts.append(f"ORDER BY {', '.join(orders)}")
    parts.append(f"LIMIT {asked.limit}")
    return "\n".join(parts)


def description(table: str, told: Mapping[str, Any]) -> Description:
    """A description from what a browser tells. Raises QueryError."""
    try:
        return Description(
            table,
            [Shown(str(one["name"]), str(one["function"])) for one in told["columns"]],
            [
                Filter(str(one["column"]), str(one["operator"]), str(one["value"]))
                for one in told["filters"]
            ],
            [Order(int(one["place"]), bool(one["down"])) for one in told["orders"]],
            int(told["limit"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise QueryError(
            f"the query cannot be read: {error!r}; name a limit, and columns"
        ) from None


def _check(asked: Description) -> None:
    if not 1 <= asked.limit <= LARGEST_LIMIT:
        raise QueryError(f"at most {asked.limit} rows: name a number from 1 to {LARGEST_LIMIT}")
    if max(map(len, (asked.columns, asked.filters, asked.orders))) > MOST:
        raise QueryError(f"more than {MOST} columns, filters or orders; leave some out")
    for order in asked.orders:
        if not 0 <= order.place < len(asked.columns):
            raise QueryError("the answer is ordered by a column that it does not have")


def _selected(asked: Description, offered: Offered) -> str:
    if not asked.columns:
        return "*"
    return ",\n  ".join(_shown(one, offered) for one in asked.columns)


def _shown(one: Shown, offered: Offered) -> str:
    if one.function not in FUNCTIONS:
        raise QueryError(f"no function {one.function!r}; known: {', '.join(FUNCTIONS)[2:]}")
    if one.column == ROWS:
        return "count(*) AS rows"
    column = _column(one.column, offered)
    if one.function in OF_NUMBERS and offered.kinds[one.column] != "number":
        raise QueryError(f"{one.function} of {one.column}: that column holds no numbers")
    return f"{FUNCTIONS[one.function].format(column)} AS {_quoted(one.name)}"


def _condition(one: Filter, offered: Offered) -> str:
    column = _column(one.column, offered)
    if one.operator not in OPERATORS:
        raise QueryError(f"no comparison {one.operator!r}; known: {', '.join(OPERATORS)}")
    value = ""
    if one.operator not in WITHOUT_VALUE:
        kind = "text" if one.operator in OF_TEXTS else offered.kinds[one.column]
        value = "".join(_literal(one, kind))
    # Not `format` over both at once: a name or a value may hold braces.
    before, _, after = OPERATORS[one.operator].partition("{0}")
    return f"{before}{column}{after.replace('{1}', value, 1)}"


def _literal(one: Filter, kind: Kind) -> Iterator[str]:
    text = one.value
    if "\0" in text:
        raise QueryError(f"{one.column}: the value holds a zero byte; remove it")
    if kind == "number":
        yield _number(one)
    elif kind == "time":
        yield f"TIMESTAMPTZ '{_time(one)}'"
    elif kind == "boolean":
        if text.strip().lower() not in ("true", "false"):
            raise QueryError(f"{one.column} {one.operator} {text!r}: say true or false")
        yield text.strip().lower()
    else:
        yield "'" + text.replace("'", "''") + "'"


def _number(one: Filter) -> str:
    try:
        value = float(one.value)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise QueryError(f"{one.column} {one.operator} {one.value!r}: that is no number")
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _time(one: Filter) -> str:
    try:
        found = datetime.fromisoformat(one.value.strip())
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise QueryError(
            f"{one.column} {one.operator} {one.value!r}: say a time like 2026-01-31 18:00"
        ) from None


def _column(name: str, offered: Offered) -> str:
    if name not in offered.kinds:
        raise QueryError(f"no column {name!r}; there are {', '.join(offered.kinds)}")
    return ".".join(_quoted(part) for part in offered.paths.get(name, (name,)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
