"""Figures of charts: a million rows become the few hundred or thousand that are drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec

from api.analytics.asked import ChartAsked
from api.analytics.axes import TABLE, Placed, axis_of, bounds, category, cell_of, is_categorical
from api.analytics.charted import Axis, Chart, ChartFigures, How
from api.analytics.numbers import equal_parts
from api.analytics.taken import Column, chosen, columns_of, quoted
from api.sql.errors import SqlError

MOST_BARS, MOST_COLOURS, MOST_FACETS, MOST_PARTS, MOST_BOXES = 30, 8, 6, 8, 20
BAR_CELLS, LINE_CELLS, HEAT_CELLS, HISTOGRAM_CELLS = 40, 200, 40, 50
EXACT = 5_000
"""Points that are told one by one."""

PIXELS = {False: (320, 200), True: (160, 110)}
"""Cells of a scatter plot of more points: alone, and as one of several."""

FUNCTIONS: dict[How, str] = {
    "count": "count",
    "sum": "sum",
    "mean": "avg",
    "median": "median",
    "min": "min",
    "max": "max",
}
NEEDS_Y: tuple[Chart, ...] = ("scatter", "heatmap", "box")


def chart(database: duckdb.DuckDBPyConnection, asked: ChartAsked) -> ChartFigures:
    """Work a chart out. Raises SqlError for what cannot be drawn, and duckdb.Error."""
    began = time.perf_counter()
    charter = _Charter(database, asked)
    found = charter.make()
    elapsed = round((time.perf_counter() - began) * 1000, 1)
    return msgspec.structs.replace(found, elapsed_ms=elapsed)


@dataclass(frozen=True, slots=True)
class _Laid:
    """What of a chart its kind decides: axes, figures by name, and rows that are left out."""

    x: Axis
    y: Axis | None
    data: dict[str, list[Any]]
    exact: bool = False


class _Charter:
    def __init__(self, database: duckdb.DuckDBPyConnection, asked: ChartAsked) -> None:
        self._database, self._asked = database, asked
        self._columns = self._named()
        plain = all(column.plain for column in self._columns.values())
        self._rows, self._of_rows, where = chosen(database, asked.rows)
        values = ", ".join(f"{_value(one)} AS {one.short}" for one in self._columns.values())
        view = quoted(asked.rows.plain if plain else asked.rows.view)
        database.execute(f"CREATE TEMP TABLE {TABLE} AS SELECT {values} FROM {view} WHERE {where}")
        self._colour = self._split(asked.colour, MOST_COLOURS)
        self._facet = self._split(asked.facet, MOST_FACETS)

    def make(self) -> ChartFigures:
        asked = self._asked
        laid = KINDS[asked.kind](self)
        kept = sum(laid.data["rows"]) if "rows" in laid.data else len(laid.data["x"])
        return ChartFigures(
            kind=asked.kind,
            how=asked.how,
            x=laid.x,
            y=laid.y,
            colour=None if self._colour is None else self._colour.axis,
            facet=None if self._facet is None else self._facet.axis,
            value_name=self._value_name(),
            exact=laid.exact,
            data=laid.data,
            rows=self._rows,
            of_rows=self._of_rows,
            left_out=max(0, self._rows - int(kept)),
            elapsed_ms=0.0,
            tables=[],
        )

    def bars(self) -> _Laid:
        """A value for each place on x."""
        x = self._axis(self._asked.x, MOST_BARS, BAR_CELLS)
        return _Laid(x.axis, None, self._grouped({"x": x}, self._aggregate(self._asked.y)))

    def lines(self) -> _Laid:
        """A value for each of many places on x."""
        x = self._axis(self._asked.x, LINE_CELLS, LINE_CELLS)
        return _Laid(x.axis, None, self._grouped({"x": x}, self._aggregate(self._asked.y)))

    def parts(self) -> _Laid:
        """A value for each of a few parts of a whole."""
        if self._asked.how not in ("count", "sum"):
            raise SqlError(f"parts of a pie are counts or sums; {self._asked.how} makes no whole")
        x = category(self._database, self._column(self._asked.x), self._unit(self._asked.x), 8)
        return _Laid(x.axis, None, self._grouped({"x": x}, self._aggregate(self._asked.y)))

    def heat(self) -> _Laid:
        """A value for each place on x and y."""
        x = self._axis(self._asked.x, MOST_BARS, HEAT_CELLS, True)
        y = self._axis(self._y(), MOST_BARS, HEAT_CELLS, True)
        value = self._aggregate(self._asked.colour)
        self._colour = None
        return _Laid(x.axis, y.axis, self._grouped({"x": x, "y": y}, value))

    def histogram(self) -> _Laid:
        """How many rows there are at each place on x."""
        x = self._axis(self._asked.x, MOST_BARS, HISTOGRAM_CELLS, True)
        return _Laid(x.axis, None, self._grouped({"x": x}, "count(*)"))

    def points(self) -> _Laid:
        """Every row, or how many lie in each of many small cells."""
        x, y = self._number(self._asked.x), self._number(self._y())
        if self._rows <= EXACT:
            return self._exact(x, y)
        wide, high = PIXELS[self._facet is not None]
        placed = {"x": self._cells(x, wide), "y": self._cells(y, high)}
        value = "count(*)"
        if self._mean_colour is not None:
            value = f"avg({self._mean_colour.short}) FILTER (isfinite({self._mean_colour.short}))"
        return _Laid(placed["x"].axis, placed["y"].axis, self._grouped(placed, value))

    def boxes(self) -> _Laid:
        """A box plot of y for each place on x."""
        x = category(
            self._database, self._column(self._asked.x), self._unit(self._asked.x), MOST_BOXES
        )
        self._colour = None
        y = self._number(self._y())
        keys = self._keys({"x": x})
        names = ", ".join(keys)
        told = ", ".join(f"{text} AS {name}" for name, text in keys.items())
        rows = self._database.execute(
            f"WITH kept AS (SELECT {told}, {y.short} AS v FROM {TABLE} WHERE isfinite({y.short})),"
            f" q AS (SELECT {names}, quantile_cont(v, [0.25, 0.5, 0.75]) AS q, count(*) AS n"
            f" FROM kept GROUP BY {names})"
            f" SELECT {names}, n, q[1], q[2], q[3],"
            " min(v) FILTER (v >= q[1] - 1.5 * (q[3] - q[1])),"
            " max(v) FILTER (v <= q[3] + 1.5 * (q[3] - q[1]))"
            f" FROM kept JOIN q USING ({names}) GROUP BY {names}, n, q ORDER BY {names}"
        ).fetchall()
        data = _columns([*keys, "rows", "q1", "median", "q3", "low", "high"], rows)
        return _Laid(x.axis, _plain_axis(y, self._unit(y.name)), data)

    @property
    def _mean_colour(self) -> Column | None:
        """The column of numbers by whose mean cells are coloured."""
        if self._asked.colour is None or self._colour is not None:
            return None
        return self._column(self._asked.colour)

    def _exact(self, x: Column, y: Column) -> _Laid:
        keys = self._keys({}) | {"x": x.short, "y": y.short}
        if self._mean_colour is not None:
            keys["value"] = self._mean_colour.short
        told = ", ".join(f"{text} AS {name}" for name, text in keys.items())
        rows = self._database.execute(
            f"SELECT {told} FROM {TABLE} WHERE isfinite({x.short}) AND isfinite({y.short})"
        ).fetchall()
        across, up = (_plain_axis(one, self._unit(one.name)) for one in (x, y))
        return _Laid(across, up, _columns(list(keys), rows), exact=True)

    def _grouped(self, placed: dict[str, Placed], value: str) -> dict[str, list[Any]]:
        keys = self._keys(placed)
        told = ", ".join(f"{text} AS {name}" for name, text in keys.items())
        held = " AND ".join(f"{name} IS NOT NULL" for name in keys)
        rows = self._database.execute(
            f"SELECT * FROM (SELECT {told}, {value} AS value, count(*) AS rows FROM {TABLE}"
            f" GROUP BY {', '.join(keys)}) WHERE {held} ORDER BY {', '.join(keys)}"
        ).fetchall()
        return _columns([*keys, "value", "rows"], rows)

    def _keys(self, placed: dict[str, Placed]) -> dict[str, str]:
        split = {"facet": self._facet, "colour": self._colour}
        found = {name: one for name, one in split.items() if one is not None} | placed
        return {name: one.place for name, one in found.items()}

    def _aggregate(self, name: str | None) -> str:
        if name is None or self._asked.how == "count":
            if self._asked.how != "count":
                raise SqlError(f"{self._asked.how} needs a column of numbers to be worked out from")
            return "count(*)"
        column = self._number(name)
        return f"{FUNCTIONS[self._asked.how]}({column.short}) FILTER (isfinite({column.short}))"

    def _value_name(self) -> str:
        asked = self._asked
        named = asked.colour if asked.kind in ("heatmap", "scatter") else asked.y
        if asked.kind == "scatter":
            return "rows" if self._mean_colour is None else f"mean of {named}"
        if asked.kind == "box":
            return str(asked.y)
        if asked.how == "count" or asked.kind == "histogram" or named is None:
            return "rows"
        return f"{asked.how} of {named}"

    def _axis(self, name: str, most: int, cells: int, narrow: bool = False) -> Placed:
        column = self._column(name)
        return axis_of(
            self._database, column, self._unit(name), most=most, cells=cells, narrow=narrow
        )

    def _cells(self, column: Column, count: int) -> Placed:
        edges = equal_parts(*bounds(self._database, column, True), count)
        axis = msgspec.structs.replace(_plain_axis(column, self._unit(column.name)), edges=edges)
        return Placed(axis, cell_of(column.short, edges))

    def _split(self, name: str | None, most: int) -> Placed | None:
        """Lay out by what a chart is coloured or split; None if by the mean of a number."""
        if name is None:
            return None
        column, asked = self._column(name), self._asked
        if name == asked.colour and asked.kind == "heatmap":
            return None
        by_mean = name == asked.colour and asked.kind == "scatter" and column.kind == "number"
        if by_mean and not is_categorical(self._database, column):
            return None
        return category(self._database, column, self._unit(name), most)

    def _y(self) -> str:
        if self._asked.y is None:
            raise SqlError(f"a {self._asked.kind} chart needs a column for y")
        return self._asked.y

    def _number(self, name: str) -> Column:
        column = self._column(name)
        if column.kind not in ("number", "time"):
            raise SqlError(f"{name} holds {column.type}; name a column of numbers or times there")
        return column

    def _column(self, name: str) -> Column:
        return self._columns[name]

    def _unit(self, name: str) -> str:
        return self._asked.units.get(name, "")

    def _named(self) -> dict[str, Column]:
        """The columns that are asked for. Raises SqlError for one that is not there."""
        known = {column.name: column for column in columns_of(self._database, self._asked.rows)}
        asked = self._asked
        names = [name for name in (asked.x, asked.y, asked.colour, asked.facet) if name is not None]
        for name in names:
            if name not in known:
                raise SqlError(
                    f"{asked.rows.view} has no column {name!r}; it has {', '.join(known)}"
                )
        return {name: known[name] for name in names}


KINDS: dict[Chart, Callable[[_Charter], _Laid]] = {
    "bar": _Charter.bars,
    "line": _Charter.lines,
    "scatter": _Charter.points,
    "pie": _Charter.parts,
    "heatmap": _Charter.heat,
    "histogram": _Charter.histogram,
    "box": _Charter.boxes,
}


def _value(column: Column) -> str:
    """A value as charts use it: numbers as such, times as seconds."""
    if column.kind == "number":
        return f"CAST({column.text} AS DOUBLE)"
    if column.kind == "time":
        return f"epoch({column.text})"
    return column.text if column.kind == "boolean" else f"CAST({column.text} AS VARCHAR)"


def _plain_axis(column: Column, unit: str) -> Axis:
    return Axis(name=column.name, unit=unit, kind="time" if column.kind == "time" else "number")


def _columns(names: list[str], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    if not rows:
        return {name: [] for name in names}
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
